"""How a configuration goes back onto each platform.  Data: Chinese, then English; ``{name}`` is the device's."""
# ruff: noqa: E501 - Chinese is counted double

PUT_BACK = {
    "openwrt": (
        (
            "把 {name}.tar.gz 传到设备并恢复（会覆盖全部配置），然后重启：\n"
            "  scp -O {name}.tar.gz root@地址:/tmp/\n"
            "  ssh root@地址 'sysupgrade -r /tmp/{name}.tar.gz && reboot'\n"
            "{name}.uci 是同一份配置的文本，供查看和比较。固件版本应与备份时相同或更新。"
        ),
        (
            "Copy {name}.tar.gz to the device, restore it (it replaces the whole configuration) and reboot:\n"
            "  scp -O {name}.tar.gz root@ADDRESS:/tmp/\n"
            "  ssh root@ADDRESS 'sysupgrade -r /tmp/{name}.tar.gz && reboot'\n"
            "{name}.uci is the same as text, to read and compare. The firmware should be the same or newer."
        ),
    ),
    "debian": (
        (
            "在该主机上以 root 执行，先查看再解开：\n"
            "  tar -tvf {name}.tar\n"
            "  tar -C / -xpf {name}.tar\n"
            "  nft -c -f /etc/nftables.conf && nft -f /etc/nftables.conf\n"
            "  systemctl restart networking    （或 systemd-networkd；请在控制台前操作，以防断网）\n"
            "{name}.nft 是当时生效的防火墙规则；一次性换上：\n"
            "  (echo flush ruleset; cat {name}.nft) | nft -f -"
        ),
        (
            "On that host as root, look first, then unpack:\n"
            "  tar -tvf {name}.tar\n"
            "  tar -C / -xpf {name}.tar\n"
            "  nft -c -f /etc/nftables.conf && nft -f /etc/nftables.conf\n"
            "  systemctl restart networking    (or systemd-networkd; from the machine's own console, the network may go)\n"
            "{name}.nft is the firewall as it was loaded; to load it in one step:\n"
            "  (echo flush ruleset; cat {name}.nft) | nft -f -"
        ),
    ),
    "huawei_vrp": (
        (
            "用 SFTP 或 TFTP 把 {name}.cfg 传到设备的 flash:/，设为下次启动的配置并重启（询问是否保存当前配置时答 N）：\n"
            "  <设备> startup saved-configuration {name}.cfg\n"
            "  <设备> reboot\n"
            "换了设备时：本机 RSA 密钥、证书和许可不在配置中，需重新生成；密文口令可能要重设。"
        ),
        (
            "Copy {name}.cfg to the device's flash:/ by SFTP or TFTP, make it the next start's configuration and reboot\n"
            "(answer N when it asks to save the running one):\n"
            "  <device> startup saved-configuration {name}.cfg\n"
            "  <device> reboot\n"
            "On a replacement: local RSA keys, certificates and licences are not in it, and ciphered passwords may need\n"
            "to be set anew."
        ),
    ),
    "h3c_comware": (
        (
            "用 SFTP 或 TFTP 把 {name}.cfg 传到设备的 flash:/，设为主启动配置并重启（询问是否保存当前配置时答 N）：\n"
            "  <设备> startup saved-configuration flash:/{name}.cfg main\n"
            "  <设备> reboot\n"
            "换了设备时：本机密钥、证书和许可不在配置中，需重新生成。"
        ),
        (
            "Copy {name}.cfg to the device's flash:/ by SFTP or TFTP, make it the main start configuration and reboot\n"
            "(answer N when it asks to save the running one):\n"
            "  <device> startup saved-configuration flash:/{name}.cfg main\n"
            "  <device> reboot\n"
            "On a replacement: local keys, certificates and licences are not in it."
        ),
    ),
    "ruijie_rgos": (
        (
            "把 {name}.cfg 放到一台 TFTP 服务器上，在设备上取回为启动配置并重启（询问是否保存时答 no）：\n"
            "  设备# copy tftp://服务器/{name}.cfg flash:config.text\n"
            "  设备# reload\n"
            "换了设备时：本机密钥、证书和许可不在配置中，需重新生成。"
        ),
        (
            "Put {name}.cfg on a TFTP server, fetch it as the start configuration and reload\n"
            "(answer no when it asks to save):\n"
            "  device# copy tftp://SERVER/{name}.cfg flash:config.text\n"
            "  device# reload\n"
            "On a replacement: local keys, certificates and licences are not in it."
        ),
    ),
}
UNKNOWN = ("{name}：不认识的平台，请查阅厂商手册。", "{name}: an unknown platform; see its vendor's manual.")


def put_back(name: str, platform: str) -> str:
    """Return the words for one device."""
    chinese, english = PUT_BACK.get(platform, UNKNOWN)
    return f"== {name} ({platform})\n\n{chinese}\n\n{english}\n".replace("{name}", name)
