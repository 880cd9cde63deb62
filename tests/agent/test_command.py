"""Tools that the collectors ask."""

import pytest

from agent.collectors.command import CommandError, run_command


@pytest.mark.parametrize(
    ("script", "seconds", "message"),
    [
        ("echo first >&2; echo 'last words' >&2; exit 3", 60, "sh -c exited with 3: last words"),
        ("exit 4", 60, "sh -c exited with 4: no message"),
        ("exec tail -f /dev/null", 0.2, "sh did not answer in 0.2 s"),
    ],
)
def test_a_tool_that_fails_is_told_with_its_last_words(script: str, seconds: float, message: str):
    with pytest.raises(CommandError, match=message):
        run_command(("sh", "-c", script), seconds)


def test_a_tool_gets_none_of_the_services_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/agent")
    assert (
        run_command(("sh", "-c", "echo ${NOTIFY_SOCKET-none} ${CREDENTIALS_DIRECTORY-none} $LC_ALL"), 60)
        == "none none C\n"
    )
