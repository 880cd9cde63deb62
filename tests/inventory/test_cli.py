"""`xinglin init` and `xinglin check` as a person meets them."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from inventory.loader import FacilityError, find_facility, load_facility
from inventory.vault import decrypt
from xinglin import xinglin

ANSWERS = """\
facility:
  id: donghu
  name_zh: 东湖社区卫生服务中心
  name_en: Donghu Community Health Centre
  mlps_level: 3
zones:
  - {name: servers, name_zh: 服务器区, cidr: 198.18.0.0/26, gateway: 198.18.0.1}
  - {name: offsite, name_zh: 异地备份区, cidr: 198.18.0.64/26, gateway: 198.18.0.65}
hosts:
  - {name: appliance1, address: 198.18.0.10, zone: servers, debian: 13, groups: [appliance]}
  - {name: his1, address: 198.18.0.11, zone: servers, debian: 12, groups: [his_database, his_application]}
  - {name: vault1, address: 198.18.0.70, zone: offsite, debian: 13, groups: [offsite]}
"""

TYPED = """\
东湖社区卫生服务中心
Donghu Community Health Centre

Asia/Shangai
Asia/Shanghai
4
3
oops user
xinglin-ops

198.18.0.300
198.18.0.10

servers

198.18.0.0/26

y
his1
198.18.0.10
198.18.0.11
12
his_databse
his_database, his_application
y
vault1
198.18.0.70

offsite


198.18.0.64/25
198.18.0.64/26

n
"""


def run(*arguments: str | Path, typed: str | None = None) -> Result:
    return CliRunner().invoke(xinglin, [str(argument) for argument in arguments], input=typed)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    file = tmp_path / "answers.yml"
    file.write_text(ANSWERS, encoding="utf-8")
    return file


def secrets(directory: Path) -> list[str]:
    password = (directory / ".vault-password").read_text(encoding="ascii").strip()
    plain = decrypt((directory / "group_vars/all/vault.yml").read_bytes(), password.encode())
    key_lines = (directory / "operator_ed25519").read_text(encoding="ascii").split("\n")[1:-2]
    return [password, *yaml.safe_load(plain).values(), *key_lines]


def test_check_of_a_valid_facility_is_one_screen_and_exits_0(clinic: Path):
    result = run("check", clinic)
    assert result.exit_code == 0, result.output
    assert "清河镇卫生院" in result.stdout
    assert "No mistakes." in result.stdout
    assert result.stdout.count("\n") <= 24


def test_check_prints_each_mistake_with_file_line_and_key_and_exits_1(clinic: Path):
    hosts = clinic / "hosts.yml"
    text = hosts.read_text(encoding="utf-8")
    text = text.replace("debian: 12", "debian: 11", 1).replace("zone: offsite", "zone: ofsite")
    hosts.write_text(text, encoding="utf-8")
    result = run("check", clinic)
    assert result.exit_code == 1
    zones = "did you mean offsite? One of: mgmt, offsite, servers, staff"
    blocks = result.stdout.strip().split("\n\n")
    assert blocks == [
        f"{hosts}:18: all.hosts.his1.debian: 11 is not allowed; allowed: the host's Debian release: 12 or 13",
        f"{hosts}:29: all.hosts.vault1.zone: unknown zone ofsite; allowed: {zones}",
    ]
    assert result.stderr.strip() == "2 mistakes."


def test_init_from_answers_writes_a_facility_that_check_accepts(answers: Path, tmp_path: Path):
    directory = tmp_path / "donghu"
    result = run("init", directory, "--from", answers)
    assert result.exit_code == 0, result.output
    facility = load_facility(directory)
    assert (facility.id, facility.mlps_level, facility.demo_data) == ("donghu", 3, False)
    assert [policy.name for policy in facility.backup_policies] == ["his", "appliance"]
    assert run("check", directory).exit_code == 0
    for secret in secrets(directory):
        assert secret not in result.output
    ignored = (directory / ".gitignore").read_text(encoding="utf-8").split()
    assert {"/.vault-password", "/operator_ed25519", "/first-contact.yml"} <= set(ignored)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_init_asks_again_until_an_answer_is_allowed(answers: Path, tmp_path: Path):
    asked, given = tmp_path / "asked", tmp_path / "given"
    result = run("init", asked, typed=TYPED)
    assert result.exit_code == 0, result.output
    for refusal in (
        "'Asia/Shangai' is not a time zone",
        "'oops user' is not a name for the operator",
        "'198.18.0.300' is not an IPv4 address",
        "198.18.0.10 is taken",
        "his_databse",
        "is not the first address of its network",
    ):
        assert refusal in result.output
    assert run("init", given, "--from", answers).exit_code == 0
    for name in ("hosts.yml", "group_vars/all/facility.yml"):
        assert (asked / name).read_text(encoding="utf-8") == (given / name).read_text(encoding="utf-8")


def test_init_given_up_leaves_nothing_behind(tmp_path: Path):
    result = run("init", tmp_path / "new", typed="东湖\n")
    assert result.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_init_refuses_a_directory_that_holds_anything(answers: Path, tmp_path: Path):
    directory = tmp_path / "full"
    directory.mkdir()
    (directory / "notes.txt").write_text("mine", encoding="utf-8")
    result = run("init", directory, "--from", answers)
    assert result.exit_code == 1
    assert f"{directory}:1: is there already; nothing was written" in result.stdout
    assert [path.name for path in directory.iterdir()] == ["notes.txt"]


def test_init_takes_an_empty_directory(answers: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    assert run("init", tmp_path / "empty", "--from", answers).exit_code == 0


def test_mistakes_of_the_answers_are_shown_in_the_answers(answers: Path, tmp_path: Path):
    text = ANSWERS.replace("198.18.0.11", "198.18.0.10").replace("198.18.0.64/26", "198.18.0.0/25")
    answers.write_text(text, encoding="utf-8")
    result = run("init", tmp_path / "new", "--from", answers)
    assert result.exit_code == 1
    assert f"{answers}:8: zones[1].cidr: 198.18.0.0/25 overlaps 198.18.0.0/26" in result.stdout
    assert f"{answers}:11: hosts[1].address: 198.18.0.10 is the address of appliance1 too" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["answers.yml"]


def test_wrong_answers_are_all_refused_before_anything_is_made(answers: Path, tmp_path: Path):
    text = ANSWERS.replace("mlps_level: 3", "mlps_level: 1").replace("groups: [offsite]", "groups: [offsit]")
    answers.write_text(text, encoding="utf-8")
    result = run("init", tmp_path / "new", "--from", answers)
    assert result.exit_code == 1
    assert f"{answers}:5: facility.mlps_level: 1 is not allowed" in result.stdout
    assert f"{answers}:12: hosts[2].groups[0]: 'offsit' is not allowed" in result.stdout


def test_init_secrets_makes_only_what_is_missing(clinic: Path):
    password = (clinic / ".vault-password").read_bytes()
    (clinic / "group_vars/all/vault.yml").unlink()
    result = run("init", "--secrets", clinic)
    assert (result.exit_code, result.stdout) == (0, f"made {clinic}/group_vars/all/vault.yml\n")
    assert (clinic / ".vault-password").read_bytes() == password
    assert run("init", "--secrets", clinic).stdout == "nothing to make: every secret is there\n"
    assert run("check", clinic).exit_code == 0


def test_the_facility_is_found_by_argument_environment_or_place(
    clinic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert find_facility(clinic) == clinic
    monkeypatch.setenv("XINGLIN_FACILITY", str(clinic))
    assert find_facility(None) == clinic
    monkeypatch.delenv("XINGLIN_FACILITY")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FacilityError, match="there is no facility here"):
        find_facility(None)
    (tmp_path / "facility").symlink_to(clinic)
    assert find_facility(None) == Path("facility")
