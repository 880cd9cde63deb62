"""The printed kit: what it says, to whom, in which order.  Chinese first, English beside it."""

from pathlib import Path

from backup.kit import commands, copy_page, section
from backup.kit.contents import Kit, to_lines
from backup.kit.fingerprint import fingerprint
from backup.kit.fonts import Font
from backup.kit.sheet import RED, Sheet, Text

CONFIDENTIAL = Text(
    "机密：凭此文件可以读取全院的备份。打印后放入信封密封，删除电子文件；不要拍照，不要放在本院机房。",
    "Confidential: whoever holds this can read all backups. Print it, seal it in an envelope, delete the file; take "
    "no photograph of it, and do not keep it in the server room.",
)
PURPOSE = Text(
    "本文件用于在一体机、机房甚至全部主机都失去之后，仅凭异地库和一台装有 Debian 的空机器恢复本院的系统。",
    "With this, the facility comes back from nothing but the offsite vault and one machine with a bare Debian, even "
    "when the appliance, the server room or every host is lost.",
)
PURPOSE_OF_COPIES = Text(
    "本院没有异地库。一体机失去之后，凭本文件、恢复码和“其他副本”中的任何一份，"
    "可在一台装有 Debian 的空机器上取回全部备份。",
    "This facility has no vault. When the appliance is lost, this, the recovery code and any one of the further copies "
    "bring all backups back to a machine with a bare Debian.",
)
SPLIT = Text(
    "恢复码已分成三份，任意两份合在一起才能使用；每份单独密封，由不同的人保管。",
    "The recovery code is split into three shares; any two give it back, one alone says nothing. Each has an envelope "
    "and a keeper of its own.",
)
KEEPERS: tuple[Text, ...] = (
    Text("信封编号", "Envelope number"),
    Text("存放地点", "Kept at"),
    Text("保管人一（姓名、签名、日期）", "First keeper (name, signature, date)"),
    Text("保管人二（姓名、签名、日期）", "Second keeper (name, signature, date)"),
    Text("启封记录（日期、原因、签名）", "Opened (date, reason, signatures)"),
)
SHARE_KEEPER: tuple[Text, ...] = (
    Text("信封编号", "Envelope number"),
    Text("存放地点", "Kept at"),
    Text("保管人（姓名、签名、日期）", "Keeper (name, signature, date)"),
)

SCAN = "pdftoppm -r 200 -png kit.pdf page && zbarimg -q --raw page-*.png > kit.txt"


def write(kit: Kit, code: str, shares: tuple[str, ...], font: Font, target: Path) -> bytes:
    """Write the kit's PDF to ``target`` (0600, new) and return its bytes.

    Without ``shares`` it holds the code; with them a page for each share instead.  Raises FileExistsError.
    """
    sheet = Sheet(font, f"{kit.name_zh} {kit.name_en}: {kit.number}", f"{kit.number}  {kit.name_zh}  {kit.name_en}")
    _cover(sheet, kit, "" if shares else code)
    _places(sheet, kit)
    if kit.copies:
        copy_page.write(sheet, kit, kit.copies)
    _machine_readable(sheet, kit)
    _commands(sheet, kit)
    for number, share in enumerate(shares, 1):
        _share(sheet, kit, number, len(shares), share)
    return sheet.save(target)


def _rests_on_copies(kit: Kit) -> bool:
    return kit.copies is not None and not kit.has_vault


def _cover(sheet: Sheet, kit: Kit, code: str) -> None:
    sheet.add_page()
    sheet.heading(Text("备份恢复套件", "Recovery kit"), 20)
    sheet.paragraph(PURPOSE_OF_COPIES if _rests_on_copies(kit) else PURPOSE)
    sheet.paragraph(CONFIDENTIAL, RED)
    sheet.facts(
        [
            (Text("机构", "Facility"), f"{kit.name_zh}  {kit.name_en}  ({kit.facility})"),
            (Text("套件编号", "Kit number"), kit.number),
            (Text("制作日期", "Made"), f"{kit.made_at:%Y-%m-%d %H:%M} UTC"),
        ]
    )
    sheet.heading(Text("恢复码", "Recovery code"))
    if code:
        sheet.code(f"{code[:23]}\n{code[24:]}", 20)
        sheet.paragraph(
            Text(
                "恢复码是每个备份仓库的第二把密钥，连同横线一起就是 restic 的密码。不含字母 I、L、O、U；不分大小写。",
                "It is the second key of every repository; with its dashes it is the restic password. It has no I, L, "
                "O or U; small letters will do.",
            )
        )
        sheet.qr([code], 38)
    else:
        sheet.paragraph(SPLIT)
    sheet.heading(Text("保管", "Keeping"))
    sheet.blanks(KEEPERS)


def _places(sheet: Sheet, kit: Kit) -> None:
    sheet.add_page()
    sheet.heading(Text("一体机上的仓库", "At the appliance") if _rests_on_copies(kit) else Text("异地库", "The vault"))
    sheet.facts(
        [
            (Text("主机", "Host"), kit.server.name),
            (
                Text("地址与端口", "Address and port"),
                f"{kit.server.address}:{kit.server_port} (HTTPS, restic rest-server)",
            ),
            (Text("SSH", ""), f"{kit.operator}@{kit.server.address} -p {kit.server.port}"),
            (Text("一体机", "Appliance"), f"{kit.appliance.name}  {kit.appliance.address}  Debian {kit.debian}"),
        ]
    )
    sheet.heading(Text("各主机的备份仓库", "The hosts' repositories"))
    for repository in kit.repositories:
        sheet.facts(
            [
                (Text(repository.host, ""), repository.url),
                (Text("用户名", "User name"), repository.user),
                (Text("HTTP 密码", "HTTP password"), repository.http_password),
            ]
        )
        sheet.ln(1.5)
    sheet.heading(Text("指纹", "Fingerprints"))
    sheet.facts([(Text("证书颁发机构 SHA-256", "Authority"), kit.ca_sha256)])
    for machine in (kit.appliance, kit.server):
        sheet.facts([(Text(f"SSH {machine.name}", ""), fingerprint(line)) for line in machine.known_hosts])
    sheet.paragraph(
        Text(
            "重装后的一体机有新的 SSH 主机密钥，与上面不同属正常；其余主机应与上面一致。",
            "A newly installed appliance has a new SSH host key; the others must show the ones above.",
        )
    )


def _machine_readable(sheet: Sheet, kit: Kit) -> None:
    rows = to_lines(kit)
    sheet.add_page()
    sheet.heading(Text("机读内容", "For the machine"))
    sheet.paragraph(
        Text(
            "用扫码枪或手机扫描全部二维码，存为文本文件 kit.txt（次序不限），再加一行恢复码或两份份额。扫描件可用：",
            "Scan every QR code into the text file kit.txt, in any order, and add the recovery code or two shares on "
            "lines of their own. The same lines stand below to be typed. A scan of all pages is read by:",
        )
    )
    sheet.code(SCAN, 8)
    sheet.qr(rows, 58)
    for row in rows:
        sheet.code(row, 7.5)


def _commands(sheet: Sheet, kit: Kit) -> None:
    sheet.add_page()
    sheet.heading(Text("证书颁发机构的证书 ca.crt", "The authority's certificate ca.crt"))
    sheet.code(kit.ca.strip(), 8)
    section.write(sheet, commands.sections(kit))


def _share(sheet: Sheet, kit: Kit, number: int, count: int, share: str) -> None:
    sheet.add_page()
    sheet.heading(Text(f"恢复码份额 {number} / {count}", f"Share {number} of {count} of the recovery code"), 18)
    sheet.paragraph(SPLIT)
    sheet.paragraph(CONFIDENTIAL, RED)
    sheet.facts(
        [(Text("机构", "Facility"), f"{kit.name_zh}  {kit.name_en}"), (Text("套件编号", "Kit number"), kit.number)]
    )
    words = share.split()
    rows = [words[start : start + 4] for start in range(0, len(words), 4)]
    numbered = [
        "  ".join(f"{row * 4 + place + 1:2}. {word:<10}" for place, word in enumerate(line)).rstrip()
        for row, line in enumerate(rows)
    ]
    sheet.code("\n".join(numbered), 12)
    sheet.qr([share], 45)
    sheet.heading(Text("保管", "Keeping"))
    sheet.blanks(SHARE_KEEPER)
