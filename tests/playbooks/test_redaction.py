"""Diffs of secrets never appear, whatever module made them."""

from typing import Any

import pytest

from playbooks.redaction import DIFF_LIMIT_BYTES, shown_diff, shown_message

SECRET = "kept-to-itself"
SECRET_FILES = [
    "/etc/xinglin/secrets/repository.password",
    "/etc/xinglin/pki/host.key",
    "/etc/xinglin/pki/ca/ca.key",
    "/etc/shadow",
    "/etc/gshadow-",
    "/etc/xinglin/repository.htpasswd",
    "/root/.ssh/id_ed25519",
    "/var/lib/xinglin/console/session-secret",
]


def change(path: str, text: str = SECRET) -> dict[str, Any]:
    return {"changed": True, "diff": {"before": "", "after": text, "after_header": path, "before_header": path}}


@pytest.mark.parametrize("path", SECRET_FILES)
def test_of_a_secret_file_only_the_change_is_shown(path: str):
    shown = shown_diff(change(path))
    assert shown == f"{path}: changed, not shown\n"


@pytest.mark.parametrize("path", SECRET_FILES)
def test_neither_when_only_the_arguments_name_the_file(path: str):
    result = {"changed": True, "diff": [{"before": "", "after": SECRET}], "invocation": {"module_args": {"dest": path}}}
    assert SECRET not in str(shown_diff(result))


@pytest.mark.parametrize("path", SECRET_FILES)
def test_neither_with_the_access_beside_the_path_nor_inside_a_loop(path: str):
    header = f"{path} 0600 root:root"
    assert SECRET not in str(shown_diff({"results": [change(header)], "changed": True}))


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n",
        "$ANSIBLE_VAULT;1.1;AES256\n6162\n",
        "his1:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n",
        "root:$6$salt$hash:20000:0:99999:7:::\n",
        "root:$y$j9T$abc$def:20000::::::\n",
    ],
)
def test_a_text_that_looks_like_a_secret_is_not_shown_under_any_name(text: str):
    shown = shown_diff(change("/srv/innocent", text))
    assert shown == "/srv/innocent: changed, not shown\n"
    assert shown_message({"msg": f"cannot parse: {text}"}) == "(not shown: the message holds a secret)"


def test_a_censored_result_shows_neither_diff_nor_message():
    result = {**change("/srv/x"), "censored": "the output has been hidden", "msg": SECRET}
    assert shown_diff(result) is None
    assert SECRET not in str(shown_message(result))


def test_a_certificate_is_no_secret():
    shown = shown_diff(change("/etc/xinglin/pki/host.crt", "-----BEGIN CERTIFICATE-----\n"))
    assert "+-----BEGIN CERTIFICATE-----" in str(shown)


def test_a_prepared_diff_and_one_of_attributes_are_shown_as_they_are():
    assert shown_diff({"changed": True, "diff": {"prepared": "+line\n"}}) == "+line\n"
    shown = shown_diff({"changed": True, "diff": {"before": {"mode": "0755"}, "after": {"mode": "0700"}}})
    assert shown is not None
    assert shown.endswith("-mode: 0755\n+mode: 0700\n")


def test_a_long_diff_is_cut_at_the_limit_and_says_so():
    shown = shown_diff(change("/etc/long", "行\n" * DIFF_LIMIT_BYTES))
    assert shown is not None
    assert len(shown.encode()) < DIFF_LIMIT_BYTES + 100
    assert "more bytes" in shown


def test_the_message_of_a_loop_names_each_failed_item():
    items = [{"failed": True, "msg": "disk full"}, {"failed": False, "msg": "fine"}]
    assert shown_message({"msg": "One or more items failed", "results": items}) == "One or more items failed\ndisk full"
