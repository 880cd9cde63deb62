"""The commands that the kit prints: a rebuild with our software, and the same with nothing but restic."""

from backup.kit.contents import Kit
from backup.kit.section import Section
from backup.kit.sheet import Text


def sections(kit: Kit) -> tuple[Section, ...]:
    """Return the kit's commands, the shortest way first; a rebuild is none for a facility that rests on its copies."""
    by_hand = _by_hand(kit)
    return by_hand if kit.copies and not kit.has_vault else (_rebuild(kit), *by_hand)


def _rebuild(kit: Kit) -> Section:
    return Section(
        Text("用杏林恢复", "With Xinglin"),
        Text(
            f"一、在 {kit.appliance.address} 装一台 Debian {kit.debian} 空机器，开通 SSH，设一个可 sudo 的账号。"
            "二、在任意一台能连上它的 Debian 机器上放好杏林程序，运行下面的命令；它会询问恢复码和那个账号。",
            f"1. Install a bare Debian {kit.debian} at {kit.appliance.address} with SSH and an account that may "
            "use sudo. 2. On any Debian machine that reaches it, with Xinglin's checkout, run the command below; "
            "it asks for the recovery code and for that account.",
        ),
        "./xinglin backup rebuild --kit kit.txt --directory facility",
    )


def _by_hand(kit: Kit) -> tuple[Section, ...]:
    own = kit.repository(kit.appliance.name)
    return (
        Section(
            Text("只用 restic 取回一体机", "The appliance with plain restic"),
            Text(
                "ca.crt 见本页上方。机构目录在 etc/xinglin/facility，其中 .vault-password 能打开其余全部密码。",
                "ca.crt is above. The facility's directory is etc/xinglin/facility; the .vault-password "
                "in it opens all other secrets.",
            ),
            _plain(kit, own.host)
            + "restic snapshots --tag kind=set\n"
            + "restic restore latest --tag kind=set --target /restore\n"
            + "ls -A /restore/etc/xinglin/facility",
        ),
        Section(
            Text("只用 restic 取回数据库", "A database with plain restic"),
            Text(
                "每个数据库一个快照；把主机名换成要恢复的主机，用户名和密码见“各主机的备份仓库”。",
                "Each database has a snapshot of its own; name the host whose data is wanted, with its login from "
                "the page of repositories.",
            ),
            _plain(kit, _other(kit))
            + "restic snapshots --tag kind=dump\n"
            + "restic ls SNAPSHOT\n"
            + "restic dump SNAPSHOT /his.dump > his.dump\n"
            + "pg_restore --create --dbname=postgres his.dump",
        ),
    )


def _plain(kit: Kit, host: str) -> str:
    repository = kit.repository(host)
    return (
        "export RESTIC_CACERT=ca.crt\n"
        f"export RESTIC_REPOSITORY={repository.url.replace('://', f'://{repository.user}:HTTP-PASSWORD@')}\n"
        "read -r RESTIC_PASSWORD && export RESTIC_PASSWORD   # XXXXX-XXXXX-…\n"
    )


def _other(kit: Kit) -> str:
    names = [repository.host for repository in kit.repositories if repository.host != kit.appliance.name]
    return names[0] if names else kit.appliance.name
