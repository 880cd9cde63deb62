"""The recovery code as people write it, and its shares."""

import pytest

from backup.errors import BackupError
from backup.kit import code, entered, shares

SECRET = bytes(range(20))
CODE = code.write(SECRET)


def test_a_code_reads_back_however_it_is_typed():
    assert code.SHAPE.fullmatch(CODE)
    assert code.read(CODE) == CODE
    assert code.read(f" {CODE.lower().replace('-', '')} \n") == CODE
    assert code.read(CODE.replace("1", "l").replace("0", "O")) == CODE
    assert code.secret_of(CODE) == SECRET


def test_two_new_codes_differ():
    assert code.new_secret() != code.new_secret()


@pytest.mark.parametrize("place", [index for index, character in enumerate(CODE) if character != "-"])
def test_every_wrong_character_is_found_and_its_group_named(place: int):
    other = code.ALPHABET[(code.ALPHABET.index(CODE[place]) + 7) % 32]
    with pytest.raises(BackupError, match=f"group {place // 6 + 1} of 8") as raised:
        code.read(CODE[:place] + other + CODE[place + 1 :])
    assert CODE[:5] not in str(raised.value)


def test_groups_in_the_wrong_order_are_found():
    groups = CODE.split("-")
    with pytest.raises(BackupError, match="group 1 and 2"):
        code.read("-".join([groups[1], groups[0], *groups[2:]]))


def test_a_letter_that_the_code_does_not_have_is_found():
    with pytest.raises(BackupError, match="group 1 of 8"):
        code.read("U" + CODE[1:])


def test_a_missing_group_is_told():
    with pytest.raises(BackupError, match="35 characters; the code has 40"):
        code.read(CODE[:-6])


def test_any_two_of_three_shares_give_the_code_back():
    made = shares.split(CODE)
    for pair in ((0, 1), (1, 2), (2, 0)):
        assert shares.combine([made[place] for place in pair]) == CODE
    assert shares.combine(made) == CODE


def test_shares_that_do_not_belong_together_are_told():
    own, other = shares.split(CODE), shares.split(code.write(code.new_secret()))
    mistyped = own[1].replace(own[1].split()[5], "xinglin")
    turned_round = " ".join(own[1].split()[::-1])
    for chosen, cause in (
        ([own[0]], "shares_differ"),
        ([own[0], own[0]], "shares_differ"),
        ([own[0], other[1]], "shares_differ"),
        ([own[0], mistyped], "recovery_code_mistyped"),
        ([own[0], turned_round], "recovery_code_mistyped"),
    ):
        with pytest.raises(BackupError) as raised:
            shares.combine(chosen)
        assert raised.value.cause.code == cause


def test_the_code_or_two_shares_are_found_in_a_scanned_text():
    made = shares.split(CODE)
    assert entered.find(f"XINGLIN1/1/1/0/A/\n{CODE}\n") == CODE
    assert entered.find(f"{made[2]}\n\nXINGLIN1/1/1/0/A/\n{made[0].upper()}\n") == CODE
    assert entered.find(f"{made[2]}\n{made[2]}\n") is None
    assert entered.find("nothing of the kind") is None
