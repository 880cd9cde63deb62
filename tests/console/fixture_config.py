"""A console's configuration for tests."""

from pathlib import Path

from console.config import ConsoleConfig, Facility, ManagedHost, Policy, TlsFiles


def facility() -> Facility:
    return Facility(
        "qinghe", "清河镇卫生院", "Qinghe Township Health Centre", "Asia/Shanghai", 2, "zh_CN", demo_data=True
    )


def host(name: str = "his1", port: int = 9633, address: str = "127.0.0.1") -> ManagedHost:
    return ManagedHost(name, address, port, ("his_database",), "servers")


def console_config(
    directory: Path,
    hosts: tuple[ManagedHost, ...] = (host(),),
    tls: TlsFiles | None = None,
    policies: tuple[Policy, ...] = (Policy("his", ("his1",), 24, 4, ("02:00",)),),
) -> ConsoleConfig:
    return ConsoleConfig(
        facility=facility(),
        hosts=hosts,
        policies=policies,
        scrape_interval_seconds=15,
        tls=tls,
        state_directory=directory,
        socket=directory / "web.sock",
        public_url="https://198.18.0.10:8443",
        store_url=f"sqlite:///{directory / 'console.db'}",
    )
