"""What is wrong with a recovery kit, its code or its shares."""

from backup.causes.explanation import Explanation

CAUSES = {
    "recovery_code_mistyped": Explanation(
        "The recovery code is not as printed",
        "{place}: {detail}. Nothing was tried with it.",
        "Compare it with the paper group by group and type it again.",
    ),
    "shares_differ": Explanation(
        "The shares give no recovery code",
        "{place}: {detail}",
        "Take two different shares of the same kit; its number is on every page.",
    ),
    "kit_unreadable": Explanation(
        "The recovery kit cannot be read",
        "{place}: {detail}",
        "Scan or type the lines that begin with XINGLIN1/ again; each stands in a QR code and below it.",
    ),
    "kit_not_opened": Explanation(
        "The recovery kit's sealed text does not open",
        "{place}: {detail}",
        "Take the code, or two shares, of this very kit; its number is on every page.",
    ),
    "key_not_of_a_kit": Explanation(
        "The key belongs to no recovery kit",
        "{place}: {detail}. It was not removed: without the facility's own key nothing could be backed up or restored.",
        "Look at the repository's keys: xinglin backup key list",
    ),
    "font_missing": Explanation(
        "There is no Chinese font to print with",
        "{place} has {detail}, so the recovery kit cannot be printed.",
        "Run: apt-get install fonts-wqy-microhei",
    ),
}
