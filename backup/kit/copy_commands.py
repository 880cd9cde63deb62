"""The commands that the kit prints for the facility's further copies: unseal, reach each, take back what it holds."""

from shlex import quote

from backup.kit import seal
from backup.kit.contents import Kit
from backup.kit.copies import MOUNTED, PASSWORD, Copies, DiskCopy, Place, S3Copy, SftpCopy
from backup.kit.section import Section
from backup.kit.sheet import Text

OPENED = "opened.txt"
RESTORED = "/restore"
REPOSITORIES = "/var/lib/xinglin/repository"
"""Of the appliance, as the role ``repository`` makes it."""
UNSEAL = Section(
    Text("打开密封内容", "Open the sealed text"),
    Text(
        "把上面密封内容的二维码按次序扫描（或照原样键入）到 sealed.txt；"
        "openssl 询问口令时输入恢复码：大写，一行，含七个横线。"
        "第三、四条命令显示的两个值必须相同，否则恢复码或 sealed.txt 有误。",
        "Scan the QR codes of the sealed text in their order into sealed.txt, or type it as printed. openssl asks for "
        "a password: the recovery code, in capitals, on one line, with its seven dashes. The third and the fourth "
        "command must show the same value; otherwise the code or sealed.txt is wrong.",
    ),
    "umask 077\n"
    f"{seal.COMMAND} -in sealed.txt > {OPENED}\n"
    f"head -n -1 {OPENED} | sha256sum\n"
    f"tail -n 1 {OPENED}\n"
    f". ./{OPENED} && export {PASSWORD}",
)
WITH_XINGLIN = Section(
    Text("用杏林打开密封内容", "The same with Xinglin"),
    Text(
        "恢复码已分成份额时必须用它：kit.txt 是全部二维码的内容，它询问恢复码或两份份额。",
        "A code in shares needs it: kit.txt is what all QR codes say; it asks for the code or for two shares.",
    ),
    f"./xinglin backup recovery-kit --open kit.txt --output {OPENED}\n. ./{OPENED} && export {PASSWORD}",
)


def sections(kit: Kit, copies: Copies) -> tuple[Section, ...]:
    """Return the commands in the order in which a person needs them."""
    own = kit.appliance.name
    return (
        UNSEAL,
        WITH_XINGLIN,
        *(Section(_title(place), _how(place), reach(place, own)) for place in copies.places),
        _facility(kit),
        _data(copies),
        _appliance(kit),
        _refill(copies),
    )


def reach(place: Place, host: str) -> str:
    """Return the commands after which plain restic, the text being unsealed, works on the repository of ``host``."""
    match place:
        case DiskCopy(labels=labels):
            before = f"mount -o ro /dev/disk/by-label/{labels[0]} {MOUNTED}   # {' / '.join(labels)}\n"
        case SftpCopy():
            name, _, key = place.known_hosts.partition(" ")
            before = f"ssh-keygen -t ed25519\necho {quote(name)} \\\n  {quote(key)} >> ~/.ssh/known_hosts\n"
        case S3Copy():
            before = f'export AWS_ACCESS_KEY_ID={quote(place.key_id)} AWS_SECRET_ACCESS_KEY="${place.secret}"\n'
    return f"{before}export RESTIC_REPOSITORY={quote(place.url(host))}"


def _title(place: Place) -> Text:
    zh, en = {
        DiskCopy.kind: ("接通硬盘", "Reach the disk"),
        SftpCopy.kind: ("接通合作单位的服务器", "Reach the partner's server"),
        S3Copy.kind: ("接通存储桶", "Reach the bucket"),
    }[place.kind]
    return Text(f"{zh} {place.name}", en)


def _how(place: Place) -> Text:
    return {
        DiskCopy.kind: Text(
            "取放在院外的那一块；如果还有别的，比较各自最新的快照。",
            "Take the one from outside the building; where there are more, compare their newest snapshots.",
        ),
        SftpCopy.kind: Text(
            "登录密钥只在一体机上，已随它失去：请把新的 ~/.ssh/id_ed25519.pub 交给对方，由对方放行后再继续。"
            "新一体机部署后另有自己的密钥 /etc/xinglin/secrets/copies_ed25519.pub，也要交给对方。",
            "The key that logs in there lived on the appliance only. Give the new ~/.ssh/id_ed25519.pub to the "
            "partner, who must let it in before you go on. Once provisioned, the new appliance has a key of its own "
            "again, /etc/xinglin/secrets/copies_ed25519.pub: the partner needs that, too.",
        ),
        S3Copy.kind: Text(
            "密钥标识是明文，密钥在密封内容里。",
            "The key's id stands here in clear; its secret is in the sealed text.",
        ),
    }[place.kind]


def _facility(kit: Kit) -> Section:
    return Section(
        Text("取回一体机的内容", "Take the appliance's data back"),
        Text(
            "机构目录在 etc/xinglin/facility，其中 .vault-password 能打开其余全部密码。",
            "The facility's directory is etc/xinglin/facility; the .vault-password in it opens all other secrets.",
        ),
        "restic snapshots --no-lock --tag kind=set\n"
        f"restic restore latest --no-lock --tag kind=set --target {RESTORED}\n"
        f"cp -r {RESTORED}/etc/xinglin/facility facility && chmod -R go= facility\n"
        f"ssh-keygen -R {quote(_known_name(kit))} -f facility/known_hosts",
    )


def _data(copies: Copies) -> Section:
    return Section(
        Text("取回数据库", "A database"),
        Text(
            f"每台主机一个仓库（{'、'.join(copies.hosts)}）：把 RESTIC_REPOSITORY 末尾换成它的名字。"
            "每个数据库一个快照。",
            f"Each host has a repository ({', '.join(copies.hosts)}): let RESTIC_REPOSITORY end with its name. Each "
            "database has a snapshot of its own.",
        ),
        "restic snapshots --no-lock --tag kind=dump\n"
        "restic ls --no-lock SNAPSHOT\n"
        "restic dump --no-lock SNAPSHOT /his.dump > his.dump\n"
        "pg_restore --create --dbname=postgres his.dump",
    )


def _appliance(kit: Kit) -> Section:
    address = kit.appliance.address
    return Section(
        Text("手工重建一体机", "A new appliance, by hand"),
        Text(
            f"一、在 {address} 装一台 Debian {kit.debian} 空机器，开通 SSH，设一个可 sudo 的账号 USER。"
            "二、先放回证书颁发机构，其余主机才仍认得它。三、部署；它会询问 USER 的登录。"
            "控制台从空白开始：旧的记录和审计日志留在取回的目录里，不会自动放回。",
            f"1. Install a bare Debian {kit.debian} at {address} with SSH and an account USER that may use sudo. 2. "
            "Put the certificate authority back first, so that the other hosts still know it. 3. Provision; it asks "
            "for USER's login. The console starts empty: its old records and audit log stay in what was restored; "
            "nothing puts them back by itself.",
        ),
        f"tar -C {RESTORED} -czf pki.tgz etc/xinglin/pki && scp pki.tgz USER@{address}:\n"
        f"ssh -t USER@{address} 'sudo tar -C / -xzf pki.tgz --no-same-owner && rm pki.tgz' && rm pki.tgz\n"
        "./xinglin provision facility",
    )


def _refill(copies: Copies) -> Section:
    return Section(
        Text("把备份装回新一体机", "Refill the new appliance"),
        Text(
            "部署当天，在新一体机上以 root 执行：先照上面打开密封内容、接通副本，再执行下面的命令。"
            "如果用的是硬盘，最后 umount，让一体机自己挂载。"
            "之后各主机用 xinglin backup restore 恢复，与平时相同；再做一份新的恢复套件，销毁这一份。",
            "On the day of the provisioning, on the new appliance as root: open the sealed text and reach the copy "
            "there as above, then run this. Unmount a disk at the end, so that the appliance can mount it itself. "
            "After that each host restores with xinglin backup restore as ever. Make a new recovery kit and destroy "
            "this one.",
        ),
        f'export RESTIC_FROM_PASSWORD="${PASSWORD}"\n'
        'from="${RESTIC_REPOSITORY%/*}"\n'
        f"for host in {' '.join(copies.hosts)}; do\n"
        f'  restic -r {REPOSITORIES}/$host copy --no-lock --from-repo "$from/$host"\n'
        "done\n"
        f"chown -R xinglin-repository: {REPOSITORIES}\n"
        f"shred -u {OPENED}",
    )


def _known_name(kit: Kit) -> str:
    at = kit.appliance
    return at.address if at.port == 22 else f"[{at.address}]:{at.port}"
