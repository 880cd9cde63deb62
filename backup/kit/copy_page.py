"""The kit's pages about the facility's further copies: where they are, the sealed text, what to do with both."""

from backup.kit import copy_commands, section
from backup.kit.contents import Kit
from backup.kit.copies import Copies, DiskCopy, Place, S3Copy, SftpCopy
from backup.kit.fingerprint import fingerprint
from backup.kit.sheet import RED, Sheet, Text

ROWS_IN_CODE = 5
"""So many rows of the sealed text in a QR code: 325 bytes, version 14 as that of the machine's lines."""


def write(sheet: Sheet, kit: Kit, copies: Copies) -> None:
    """Write the pages."""
    sheet.add_page()
    sheet.heading(Text("其他副本", "Further copies"), 16)
    sheet.paragraph(
        Text(
            "一体机还在下列地方制作副本；每台主机在其中各有一个普通的 restic 仓库。"
            "恢复码不直接打开它们：打开它们的密码在下面的密封内容里，而恢复码打开密封内容。",
            "The appliance makes copies in these places, too; each host has a plain restic repository there. The "
            "recovery code does not open them itself: it opens the sealed text below, and what is in that opens them.",
        )
    )
    for place in copies.places:
        sheet.facts([*_facts(place), *((Text(f"仓库 {host}", ""), place.url(host)) for host in copies.hosts)])
        sheet.ln(1.5)
    sheet.heading(Text("密封内容", "The sealed text"))
    sheet.paragraph(
        Text(
            "作废套件（--revoke）不会使它失效：里面是机构自己的密码。因此旧套件必须销毁。",
            "Revoking the kit does not end it, for it holds the facility's own password: an old kit must be destroyed.",
        ),
        RED,
    )
    rows = copies.sealed.splitlines()
    sheet.qr(["\n".join(rows[start : start + ROWS_IN_CODE]) for start in range(0, len(rows), ROWS_IN_CODE)], 58)
    sheet.code("\n".join(rows), 10)
    sheet.add_page()
    section.write(sheet, copy_commands.sections(kit, copies))


def _facts(place: Place) -> list[tuple[Text, str]]:
    match place:
        case DiskCopy():
            return [
                (Text("轮换硬盘", "Disks in turn"), place.name),
                (Text("卷标", "Labels"), ", ".join(place.labels)),
            ]
        case SftpCopy():
            return [
                (Text("合作单位的 SFTP", "A partner's SFTP"), place.name),
                (Text("地址与端口", "Address and port"), f"{place.host}:{place.port}"),
                (Text("用户名", "User name"), place.user),
                (Text("目录", "Directory"), place.path),
                (Text("主机密钥", "Host key"), fingerprint(place.known_hosts)),
            ]
        case S3Copy():
            return [
                (Text("S3 存储桶", "S3 bucket"), f"{place.name}: {place.bucket}"),
                (Text("服务地址", "Provider"), place.provider),
                (Text("密钥标识", "Key id"), place.key_id),
            ]
