"""Pseudonyms need the key, plain hashes are refused, and identifiers are found where they hide and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import subprocess
import sys

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from impact.clean.identifiers import identifiers, is_id_number, passes_luhn
from impact.clean.privacy import is_direct, masked, pseudonymised, pseudonyms, refuse_plain_hashes, scrub
from impact.cli.key import key as key_commands
from impact.errors import DataError, SourceError
from impact.sources.engine import connect, register
from impact.sources.key import SYNTHETIC_KEY, derive, key_of, load_key, write_key
from words import assert_three_parts, complains

KEY = key_of(b"4f1c" * 3 + b"9be07d2a51c88e36f0aa")
PHONES = [f"1391234{number:04d}" for number in range(60)]
CODES = [f"CR01-{number:07d}" for number in range(60)]
DIGESTS = {name: [hashlib.new(name, phone.encode()).digest() for phone in PHONES] for name in ("md5", "sha1", "sha256")}
ID_NUMBER = "37020019810615021X"


def test_a_pseudonym_is_the_stated_hmac_of_prefix_and_value():
    expected = hmac.new(KEY.secret, b"w_13912345678", hashlib.sha256).hexdigest()[:24]
    assert pseudonyms(["13912345678"], KEY) == [f"w_{expected}"]


def test_full_width_digits_blanks_and_invisible_characters_make_no_second_person():
    assert len(set(pseudonyms(["13912345678", " １３９12345678 ", "\ufeff139\u200b12345678"], KEY))) == 1


def test_missing_and_blank_identifiers_stay_missing():
    assert pseudonyms([None, "", " \u3000"], KEY) == [None, None, None]


def test_another_key_purpose_or_prefix_gives_other_pseudonyms():
    keys = [KEY, SYNTHETIC_KEY, derive(KEY, "link:a"), derive(KEY, "link:b")]
    found = [pseudonyms(["13912345678"], key, prefix)[0] for key in keys for prefix in ("w_", "r_")]
    assert len({name[2:] for name in found}) == len(found)


def test_a_prefix_that_could_be_mistaken_for_a_value_is_refused():
    with pytest.raises(ValueError, match="prefix"):
        pseudonyms(["1"], KEY, "w1")


def test_a_column_of_a_table_is_replaced_and_the_rest_is_kept():
    engine = connect()
    table = register(engine, "raw", pa.table({"row": [1, 2, 3, 4], "phone": ["139", "138", None, "139"], "pay": [1.0, 2.0, 3.0, 4.0]}))
    found = pseudonymised(table, "phone", KEY, engine)
    assert KEY.secret.decode() not in engine.compile(found)
    result = found.order_by("row").to_pyarrow().to_pydict()
    assert result == {"row": [1, 2, 3, 4], "phone": pseudonyms(["139", "138", None, "139"], KEY), "pay": [1.0, 2.0, 3.0, 4.0]}


def test_identifiers_that_were_read_as_decimal_numbers_are_refused():
    engine = connect()
    table = register(engine, "raw", pa.table({"phone": [13912345678.0]}))
    with complains(DataError, "column `phone`", "decimal numbers", "Read it as text"):
        pseudonymised(table, "phone", KEY, engine)


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("written", [bytes.hex, lambda digest: digest.hex().upper(), lambda digest: base64.b64encode(digest).decode()])
def test_hashes_without_a_declared_key_are_refused(name, written):
    hashes = [written(digest) for digest in DIGESTS[name]]
    with complains(DataError, "column `worker` looks like hashes", f"{len(hashes[0])} characters", "declare the id of the key"):
        refuse_plain_hashes("worker", hashes, None)
    refuse_plain_hashes("worker", hashes, "4f1c09be")


@pytest.mark.parametrize(
    "written", [bytes.hex, lambda digest: digest.hex()[8:24], lambda digest: base64.urlsafe_b64encode(digest).decode()]
)
def test_a_declared_key_does_not_help_where_the_clear_values_stand_beside_their_hashes(written):
    hashes = [written(digest) for digest in DIGESTS["md5"]]
    with complains(DataError, "plain hashes", "MD5 of column `phone`", "HMAC-SHA-256"):
        refuse_plain_hashes("worker", hashes, "4f1c09be", {"name": ["王强"], "phone": PHONES})


@pytest.mark.parametrize(
    "values", [CODES, pseudonyms(PHONES, KEY), PHONES, [f"D10036847000{n:04d}" for n in range(60)], ["courier"] * 9, [None, ""], []]
)
def test_codes_numbers_and_pseudonyms_are_not_taken_for_plain_hashes(values):
    refuse_plain_hashes("worker", values, None, {"phone": PHONES})


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["13912345678", "+86 138-1234-5678", "１３７１２３４５６７８", "13612345678.0", "none"], "phone"),
        ([ID_NUMBER, "370200810615021", None], "id_number"),
        (["6222021234567890128", "4111 1111 1111 1111"], "bank_card"),
        (["a.b@mail.cn"], "email"),
        (["100.76.84.113(山东-青岛)", "36.5.1.2"], "ip"),
        (["wxid_a1b2c3d4"], "wechat"),
        (["鲁B·12345", "鲁BD12345", "京A12345"], "plate"),
        (["王强", "欧阳志远", "李秀英"], "name"),
        (CODES, None),
        (["黄岛区", "城阳区", "市北区"], None),
        (["2024-10-08", "20241008072936", "2024/10/8 7:29:36"], None),
        (["12000", "5300.5", "1.3912345678"], None),
        ([None, ""], None),
    ],
)
def test_a_column_of_identifiers_is_recognised_by_its_values(values, kind):
    assert is_direct(values) == kind


def test_check_digits_are_those_of_the_standards():
    assert is_id_number("11010519491231002X") and not is_id_number("110105194912310021") and not is_id_number("110105194913310026")
    assert passes_luhn("4111111111111111") and not passes_luhn("4111111111111112")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("单价低。我叫林伟，电话19967565031，请回电", "单价低。我叫〔姓名〕，电话〔手机号〕，请回电"),
        (f"想早点回家，身份证{ID_NUMBER}，帮我查", "想早点回家，身份证〔身份证号〕，帮我查"),
        ("身份证号:370200198106150210", "身份证号:〔身份证号〕"),  # mistyped, but announced
        ("我是王强，手机１３９ １２３４ ５６７８", "我是〔姓名〕，手机〔手机号〕"),
        ("联系人：欧阳志远 微信zhang_wei88", "联系人：〔姓名〕 微信〔社交账号〕"),
        ("我姓李，车牌鲁B·12345", "我姓〔姓名〕，车牌〔车牌号〕"),
        ("我叫王强想反映一下", "我叫〔姓名〕想反映一下"),
        ("本人张伟身份证丢了，家里0532-88881234", "本人〔姓名〕身份证丢了，家里〔手机号〕"),
    ],
)
def test_identifiers_in_answers_become_marks(text, clean):
    assert scrub(text)[0] == clean
    assert scrub(clean) == (clean, ())


@pytest.mark.parametrize(
    "text",
    [
        "我是专职司机",
        "我是高级工",
        "我是江西人，单亲",
        "我是黄岛的",
        "本人严重不满",
        "本人常年跑车，方便时回电",
        "我叫他们来也没用",
        "每天8-12小时，一单3.13912345678元",
        "拨打12351没人接",
        "版本v1.2.3.4，订单20241008072936123",
        "2024-10-08 07:29:36 共15,000元",
    ],
)
def test_clean_answers_are_not_touched(text):
    assert scrub(text) == (text, ())


def test_kinds_are_given_once_in_their_order():
    assert scrub("13912345678，13812345678，a@b.cn")[1] == ("phone", "email")
    assert [found.kind for found in identifiers("13912345678 a@b.cn", ("email",))] == ["email"]


@pytest.mark.parametrize(
    "value", ["13912345678", 13912345678, ID_NUMBER, "1391234567", "a.b@mail.cn", "6222021234567890128", "我叫林伟，１３９１２３４５６７８"]
)
def test_a_message_shows_at_most_three_characters_of_an_identifier(value):
    shown = masked(value)
    assert len(shown) == len(str(value))
    runs = shown.replace("我叫", "").replace("，", "").split("*")
    assert "*" in shown and all(len(run) <= 3 for run in runs)


@pytest.mark.parametrize("value", ["20241008072936", "2024-13-08", "12345678.9", "0.123456789012", "CR01", 3, ""])
def test_other_values_stand_in_messages_as_they_are(value):
    assert masked(value) == str(value)


def test_a_key_shows_its_id_and_nothing_else():
    assert KEY.secret.decode() not in repr(KEY) and KEY.id in repr(KEY)
    assert KEY.id == hashlib.sha256(b"impact key id\x00" + KEY.secret).hexdigest()[:8]


def test_no_key_is_none_and_the_same_text_is_the_same_key_from_both_places(tmp_path):
    text = secrets.token_hex(32)
    file = tmp_path / "key"
    file.write_text(f"{text}\n")
    file.chmod(0o600)
    assert load_key({}) is None
    assert load_key({"IMPACT_KEY": f" {text}"}) == load_key({"IMPACT_KEY_FILE": str(file)}) == key_of(text.encode())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "0 characters"),
        ("4f1c9be07d2a51c88e36f0aa1234567", "31 characters"),
        ("abcabcabc" * 4 + "1", "4 distinct characters"),
        ("4f1c9be07d2a" * 3, "repeated"),
        ("correct-horse-battery-staple-2024-abc", "words"),
        ("Xy7Password9Qw3Er5Ty7Ui9Op1As3Df5Gh7", "words"),
        (SYNTHETIC_KEY.secret.decode(), "everybody knows"),
    ],
)
def test_a_key_that_can_be_guessed_is_refused_without_being_shown(text, found):
    with pytest.raises(SourceError) as caught:
        load_key({"IMPACT_KEY": text})
    assert_three_parts(str(caught.value), "IMPACT_KEY", found, "impact key new")
    assert not text or text not in str(caught.value)


def test_random_keys_are_not_taken_for_weak_ones():
    for _ in range(300):
        load_key({"IMPACT_KEY": secrets.token_hex(16)})
        load_key({"IMPACT_KEY": secrets.token_urlsafe(32)})


def test_two_places_for_one_key_are_refused(tmp_path):
    with complains(SourceError, "both set", "two places", "unset"):
        load_key({"IMPACT_KEY": "a", "IMPACT_KEY_FILE": "b"})


@pytest.mark.parametrize(
    ("content", "mode", "wrong", "found", "advice"),
    [
        ("a" * 40, 0o640, "others can read", "mode 640", "chmod 600"),
        ("", 0o600, "one line", "0 lines", "impact key new"),
        ("4f1c9be07d2a51c8\n8e36f0aa12345678\n", 0o600, "one line", "2 lines", "impact key new"),
        ("short", 0o600, "too weak", "5 characters", "impact key new"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_key_file_that_cannot_be_trusted_is_refused(tmp_path, content, mode, wrong, found, advice):
    file = tmp_path / "key"
    file.write_text(content)
    file.chmod(mode)
    with complains(SourceError, wrong, found, advice):
        load_key({"IMPACT_KEY_FILE": str(file)})


def test_a_missing_key_file_is_named(tmp_path):
    with complains(SourceError, "no key file", "nothing there", "impact key new"):
        load_key({"IMPACT_KEY_FILE": str(tmp_path / "nothing there")})


def test_a_key_inside_a_git_checkout_is_neither_read_nor_written(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "key"
    with complains(SourceError, "git checkout", tmp_path.name, "outside"):
        write_key(file)
    file.write_text(secrets.token_hex(32))
    file.chmod(0o600)
    with complains(SourceError, "git checkout", tmp_path.name, "outside"):
        load_key({"IMPACT_KEY_FILE": str(file)})


def test_a_new_key_can_be_used_is_private_and_is_never_overwritten(tmp_path):
    file = tmp_path / "key"
    made = write_key(file)
    assert load_key({"IMPACT_KEY_FILE": str(file)}) == made
    assert os.name != "posix" or file.stat().st_mode & 0o777 == 0o600
    with complains(SourceError, "not written", "overwrites", "not there yet"):
        write_key(file)
    with complains(SourceError, "cannot be written", "no folder", "Make the folder"):
        write_key(tmp_path / "nowhere" / "key")
    assert load_key({"IMPACT_KEY_FILE": str(file)}) == made


def test_the_command_line_prints_the_id_and_not_the_key(tmp_path):
    file = tmp_path / "key"
    said = CliRunner().invoke(key_commands, ["new", str(file)])
    assert said.exit_code == 0
    made = load_key({"IMPACT_KEY_FILE": str(file)})
    assert made is not None and made.id in said.output and made.secret.decode() not in said.output
    again = CliRunner().invoke(key_commands, ["id"], env={"IMPACT_KEY_FILE": str(file), "IMPACT_KEY": None})
    assert again.output == f"Key {made.id}.\n"


def test_pseudonyms_are_the_same_in_another_process():
    program = "from impact.clean.privacy import pseudonyms; from impact.sources.key import SYNTHETIC_KEY; print(pseudonyms(['CR01-0000001'], SYNTHETIC_KEY)[0])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert said == pseudonyms(["CR01-0000001"], SYNTHETIC_KEY)[0]
