"""All of a policy's sources together: the night's run, the copy to the vault, and the proof from there."""

from collections.abc import Iterator

import pytest

from backup.sources.mariadb import client, scratch
from backup.status import Outcome, Verdict
from backup.verification.verify import verify_policy
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.conftest import scratch_place
from tests.sources.samba import Samba, samba
from tests.sources.sshd import sshd
from tests.sources.test_mariadb import CLINIC, SETTINGS, require_mariadb


@pytest.fixture
def share() -> Iterator[Samba]:
    with scratch_place() as place, samba(place) as running:
        (running.share / "病历.txt").write_text("x")
        yield running


def test_a_night_with_a_database_a_share_and_a_device_is_proved_from_the_vault(host: ClinicHost, share: Samba):
    require_mariadb()
    switch = host.root / "switch.cfg"
    switch.write_text("#\nsysname SW-1\n#\nreturn\n")
    with (
        scratch_place() as place,
        scratch.server(place, SETTINGS) as server,
        sshd(host.root / "sshd") as devices,
    ):
        client.query(server, CLINIC)
        device = devices.vrp("sw-core", switch)
        named = {
            "name": device.name,
            "platform": device.platform,
            "address": device.address,
            "user": device.user,
            "key_file": str(device.key_file),
            "known_hosts_file": str(device.known_hosts_file),
            "port": device.port,
        }
        source = share.source
        config = host.configure(
            [
                {"mariadb": {"database": "his", "socket": str(server.socket)}},
                {"smb": {"share": source.share, "credentials_file": str(source.credentials_file), "port": source.port}},
                {"devices": [named]},
                {"paths": [str(host.files)]},
            ]
        )
        done = run(config)
        assert (done.outcome, done.cause) == (Outcome.SUCCESS, None)
        switch.unlink()
        done = run(config)
        assert done.outcome is Outcome.WARNING
        assert done.cause is not None
        assert done.cause.code == "device_silent"
    proof = verify_policy(config, config.policy("his"), "offsite")
    assert (proof.verdict, proof.cause) == (Verdict.PASSED, None)
    named_in_proof = {item.id.partition(":")[0] for item in proof.assertions}
    assert named_in_proof >= {"his", "smb-127.0.0.1-公共", "device sw-core"}
