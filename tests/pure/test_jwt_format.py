import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from string import ascii_lowercase, ascii_uppercase, digits, printable
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.primitives.jwt_format import MAX_TIMESTAMP, MAX_TOKEN_LENGTH, MalformedToken, read_unverified

KEY = "a key of the tests, long enough for HMAC-SHA256"
CLAIMS: dict[str, Any] = {
    "sub": "u-1",
    "iat": 1_700_000_000,
    "exp": 1_700_003_600,
    "gen": 3,
    "type": "access",
}
HEADER: dict[str, Any] = {"alg": "HS256", "typ": "JWT"}
HONEST = jwt.encode(CLAIMS, KEY, algorithm="HS256")
SIGNATURE = HONEST.split(".")[2]
BASE64URL = ascii_uppercase + ascii_lowercase + digits + "-_"


def encode(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def with_header(header: object) -> str:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return f"{encode(content)}.{HONEST.split('.')[1]}.{SIGNATURE}"


def with_payload(content: bytes) -> str:
    return f"{HONEST.split('.')[0]}.{encode(content)}.{SIGNATURE}"


def with_claims(**changes: object) -> str:
    return with_payload(json.dumps({**CLAIMS, **changes}).encode())


def with_extra(member: str) -> str:
    return with_payload(json.dumps(CLAIMS)[:-1].encode() + b"," + member.encode() + b"}")


def without(name: str) -> str:
    return with_payload(json.dumps({key: value for key, value in CLAIMS.items() if key != name}).encode())


def exp_literal(literal: str) -> str:
    return with_payload(f'{{"iat": 1, "exp": {literal}}}'.encode())


def nested(levels: int) -> str:
    """Build claims whose deepest value lies `levels` deep, the claims object being the first level."""
    return with_extra('"beside":[],"deep":' + "[" * (levels - 1) + "]" * (levels - 1))


def with_last_spare_bit_set(token: str) -> str:
    return token[:-1] + BASE64URL[BASE64URL.index(token[-1]) + 1]


CRIT: list[Any] = [[], "exp", None, {}, ["absent"], ["alg"], ["b64", "b64"]]
KID: list[Any] = ["k" * 65, 1, True, None, ["k"], {}, "\ud800"]
FOREIGN_PARAMETERS: list[tuple[str, Any]] = [
    *(("crit", crit) for crit in CRIT),
    *(("kid", kid) for kid in KID),
    *(("b64", flag) for flag in (False, True)),
    *((name, "http://127.0.0.1/keys") for name in ("jku", "x5u")),
    *((name, "JWT") for name in ("x5t", "cty", "zip", "enc")),
    ("jwk", {"kty": "oct", "k": "AAAA"}),
    ("x5c", ["AAAA"]),
]
HEADER_ATTACKS = {
    **{
        f"alg {name!r}": {**HEADER, "alg": name}
        for name in ("none", "None", "hs256", "HS512", "RS256", "", None, 1)
    },
    "alg in a list": {**HEADER, "alg": ["HS256"]},
    "alg missing": {"typ": "JWT"},
    "typ missing": {"alg": "HS256"},
    "typ of another kind": {**HEADER, "typ": "at+jwt"},
    "typ in lower case": {**HEADER, "typ": "jwt"},
    "crit b64 false": {**HEADER, "crit": ["b64"], "b64": False},
    **{f"{name} {value!r}": {**HEADER, name: value} for name, value in FOREIGN_PARAMETERS},
    "a list": [HEADER],
    "text": "HS256",
    "null": None,
    "duplicate alg": b'{"alg":"none","alg":"HS256","typ":"JWT"}',
    "duplicate alg, escaped": b'{"alg":"none","\\u0061lg":"HS256","typ":"JWT"}',
    "duplicate kid": b'{"alg":"HS256","kid":"a","kid":"b","typ":"JWT"}',
    "byte order mark": b"\xef\xbb\xbf" + json.dumps(HEADER).encode(),
    "UTF-16": json.dumps(HEADER).encode("utf-16"),
    "UTF-16 without mark": json.dumps(HEADER).encode("utf-16-le"),
    "UTF-32": json.dumps(HEADER).encode("utf-32"),
    "not UTF-8": b'{"alg":"HS256","typ":"JWT","kid":"\xff"}',
    "two objects": json.dumps(HEADER).encode() * 2,
    "NUL at the end": json.dumps(HEADER).encode() + b"\0",
    "deep": b"[" * 2500,
}

CLAIM_ATTACKS = {
    "duplicate exp": with_extra('"exp":1'),
    "duplicate custom claim": with_extra('"sub":"u-2"'),
    "duplicate, escaped": with_extra('"\\u0073ub":"u-2"'),
    "nested duplicate": with_extra('"a":{"b":[{"c":1,"c":1}]}'),
    "byte order mark": with_payload(b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode()),
    "UTF-16": with_payload(json.dumps(CLAIMS).encode("utf-16")),
    "not UTF-8": with_payload(json.dumps(CLAIMS)[:-1].encode() + b',"name":"\xff"}'),
    "half a surrogate pair": with_extra('"name":"\\ud800"'),
    "raw control character": with_extra('"name":"\n"'),
    "trailing comma": with_extra(""),
    "comment": with_payload(json.dumps(CLAIMS).encode() + b"//"),
    "list": with_payload(b"[]"),
    "text": with_payload(b'"exp"'),
    "nothing but a space": with_payload(b" "),
    "NaN in another claim": with_extra('"a":[NaN]'),
    "Infinity in another claim": with_extra('"a":-Infinity'),
    "infinite float": with_extra('"a":1e999'),
    "3000 digits in another claim": with_extra('"a":' + "9" * 2800),
    "nine levels": nested(9),
    "1400 levels": nested(1400),
    "brackets without end": with_payload(b"[" * 2900),
    "objects without end": with_payload(b'{"":' * 700),
    "nesting behind strings with brackets": with_extra('"a":"]]]]]]]]\\"]]",' + '"b":' + "[" * 8 + "]" * 8),
    "exp missing": without("exp"),
    "iat missing": without("iat"),
    **{
        f"{name} {label}": with_claims(**{name: value})
        for name in ("exp", "iat", "nbf")
        for label, value in {
            "text": "1700003600",
            "float": 1700003600.0,
            "bool": True,
            "null": None,
            "list": [1],
            "negative": -1,
            "too large": MAX_TIMESTAMP + 1,
            "64 bits": 2**64 - 1,
        }.items()
    },
    **{
        f"exp {label}": exp_literal(literal)
        for label, literal in {
            "NaN": "NaN",
            "Infinity": "Infinity",
            "minus Infinity": "-Infinity",
            "400 digits": "9" * 400,
            "minus 400 digits": "-" + "9" * 400,
            "2800 digits": "9" * 2800,
            "exponent": "1e9",
            "huge exponent": "1e99999",
            "octal look": "0123",
            "hexadecimal": "0x7f",
            "plus sign": "+5",
            "underscore": "1_000",
            "other digits": "\u0661\u0662",
        }.items()
    },
}

FORM_ATTACKS: dict[str, object] = {
    "empty": "",
    "one segment": "abc",
    "two segments": HONEST.rpartition(".")[0],
    "no signature": HONEST.rpartition(".")[0] + ".",
    "no header": HONEST[HONEST.index(".") :],
    "no payload": HONEST.split(".")[0] + ".." + SIGNATURE,
    "dots": "..",
    "four segments": HONEST + "." + SIGNATURE,
    "dot at the end": HONEST + ".",
    "encrypted form, five segments": HONEST + ".AAAA.AAAA",
    "JSON serialisation": json.dumps({"payload": HONEST.split(".")[1], "signatures": []}),
    "flattened JSON serialisation": json.dumps(
        dict(zip(("protected", "payload", "signature"), HONEST.split("."), strict=True))
    ),
    "space before": " " + HONEST,
    "space after": HONEST + " ",
    "line break after": HONEST + "\n",
    "line break within": HONEST[:40] + "\n" + HONEST[40:],
    "tab within the signature": HONEST[:-4] + "\t" + HONEST[-4:],
    "NUL after": HONEST + "\0",
    "padding": HONEST + "=",
    "padding in the payload": ".".join((HONEST.split(".")[0], encode(b"{}") + "==", SIGNATURE)),
    "standard alphabet": HONEST[:-4] + "+/" + HONEST[-2:],
    "percent encoding": HONEST.replace(".", "%2E", 1),
    "last letter not canonical": with_last_spare_bit_set(HONEST),
    "a single letter over": HONEST + "AA",
    "other dots": HONEST.replace(".", "\uff0e"),
    "other letters": HONEST.replace("e", "\u0435"),
    "half a surrogate pair": HONEST + "\ud800",
    "scheme left on": "Bearer " + HONEST,
    "1 MB": HONEST + "A" * 2**20,
    "1 MB of dots": "." * 2**20,
    "one over the limit": "A" * (MAX_TOKEN_LENGTH + 1),
    "bytes": HONEST.encode(),
    "None": None,
    "number": 1,
    "list": [HONEST],
}


def refusal_of(token: Any, algorithm: str = "HS256") -> str:
    with pytest.raises(MalformedToken) as refusal:
        read_unverified(token, algorithm=algorithm)
    return refusal.value.reason


ATTACKS = {
    **{f"header: {name}": with_header(header) for name, header in HEADER_ATTACKS.items()},
    **{f"claims: {name}": token for name, token in CLAIM_ATTACKS.items()},
    **{f"form: {name}": token for name, token in FORM_ATTACKS.items()},
}


@pytest.mark.parametrize("token", ATTACKS.values(), ids=ATTACKS.keys())
def test_token_of_another_form_is_refused(token: object) -> None:
    assert refusal_of(token)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("A" * (MAX_TOKEN_LENGTH + 1), "too long"),
        ("\u00e9", "not ASCII"),
        ("a.b", "not three segments"),
        (HONEST + ".AAAA", "not three segments"),
        (with_header({**HEADER, "alg": "none"}), "header has another algorithm, type or parameter"),
        (with_header({**HEADER, "kid": 1}), "kid is not a short text"),
        (with_extra('"sub":1'), "duplicate key"),
        (nested(9), "nested too deeply"),
        (exp_literal("9" * 400), "integer too long"),
        (exp_literal("NaN"), "NaN or Infinity"),
        (exp_literal("1e999"), "number out of range"),
        (exp_literal('"1"'), "exp is missing or no integer in range"),
        (with_payload(b"[]"), "not a JSON object"),
        (with_payload(b"\xff"), "not JSON in UTF-8"),
        (with_last_spare_bit_set(HONEST), "empty segment or not canonical base64url"),
        ("A.A.A", "not base64url"),
    ],
)
def test_reason_names_what_was_wrong(token: str, reason: str) -> None:
    assert refusal_of(token) == reason


def test_token_of_another_algorithm_than_the_service_uses_is_refused() -> None:
    assert refusal_of(HONEST, algorithm="EdDSA")


@pytest.mark.parametrize("kid", ["", "2024-01", "k" * 64, "schl\u00fcssel"])
def test_short_kid_is_accepted(kid: str) -> None:
    token = jwt.encode(CLAIMS, KEY, algorithm="HS256", headers={"kid": kid})
    assert read_unverified(token, algorithm="HS256") == CLAIMS


def test_header_in_another_order_is_accepted() -> None:
    assert read_unverified(with_header({"typ": "JWT", "alg": "HS256"}), algorithm="HS256") == CLAIMS


def test_eight_levels_are_accepted() -> None:
    assert "deep" in read_unverified(nested(8), algorithm="HS256")


def test_many_brackets_side_by_side_or_in_text_are_accepted() -> None:
    claims = {**CLAIMS, "flat": [[], [], {}, {}] * 9, "text": '[{"\\' * 20}
    assert read_unverified(jwt.encode(claims, KEY), algorithm="HS256") == claims


@pytest.mark.parametrize("moment", [0, MAX_TIMESTAMP])
def test_ends_of_the_range_are_accepted(moment: int) -> None:
    claims = {"exp": moment, "iat": moment, "nbf": moment}
    assert read_unverified(jwt.encode(claims, KEY), algorithm="HS256") == claims


def test_token_of_the_greatest_length_is_accepted() -> None:
    room = MAX_TOKEN_LENGTH - len(with_extra('"fill":""'))
    tokens = [
        with_extra(f'"fill":"{"x" * length}"') for length in range(room * 3 // 4 - 3, room * 3 // 4 + 4)
    ]
    longest = max((token for token in tokens if len(token) <= MAX_TOKEN_LENGTH), key=len)
    assert len(longest) >= MAX_TOKEN_LENGTH - 1
    assert "fill" in read_unverified(longest, algorithm="HS256")


moments = st.integers(0, MAX_TIMESTAMP)
honest_claims = st.builds(
    lambda extra, times: {**{f"x-{name}": value for name, value in extra.items()}, **times},
    st.dictionaries(st.sampled_from("abcd"), st.integers(-(2**53), 2**53) | st.text(max_size=20) | st.none()),
    st.fixed_dictionaries({"exp": moments, "iat": moments}, optional={"nbf": moments}),
)


def assert_refused_or_a_dict(token: str) -> None:
    with suppress(MalformedToken):
        assert isinstance(read_unverified(token, algorithm="HS256"), dict)


@given(st.text() | st.text(BASE64URL + "."))
def test_any_text_is_refused_or_read(token: str) -> None:
    assert_refused_or_a_dict(token)


@given(st.binary(), st.binary(), st.binary())
def test_any_bytes_in_three_segments_are_refused_or_read(
    header: bytes, payload: bytes, signature: bytes
) -> None:
    assert_refused_or_a_dict(f"{encode(header)}.{encode(payload)}.{encode(signature)}")


@given(st.text('[]{}",:\\0eu '))
def test_anything_like_json_is_refused_or_read(text: str) -> None:
    assert_refused_or_a_dict(with_payload(text.encode()))
    assert_refused_or_a_dict(with_header(text.encode()))
    assert_refused_or_a_dict(with_extra(f'"a":{text}'))


@given(honest_claims)
def test_whatever_pyjwt_encodes_honestly_is_read_unchanged(claims: dict[str, object]) -> None:
    assert read_unverified(jwt.encode(claims, KEY, algorithm="HS256"), algorithm="HS256") == claims


def accepted_bytes(token: str) -> tuple[bytes, ...] | None:
    try:
        read_unverified(token, algorithm="HS256")
    except MalformedToken:
        return None
    return tuple(urlsafe_b64decode(segment + "==") for segment in token.split("."))


EDITS: dict[str, Callable[[str, int, str], str]] = {
    "replaced": lambda token, at, letter: token[:at] + letter + token[at + 1 :],
    "inserted": lambda token, at, letter: token[:at] + letter + token[at:],
    "dropped": lambda token, at, _letter: token[:at] + token[at + 1 :],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_no_single_change_of_a_token_stands_for_the_same_bytes(edit: Callable[[str, int, str], str]) -> None:
    original = accepted_bytes(HONEST)
    changed = {edit(HONEST, at, letter) for at in range(len(HONEST)) for letter in printable + "\xa0\u0435"}
    assert [token for token in changed - {HONEST} if accepted_bytes(token) == original] == []


@given(honest_claims, st.data())
def test_no_change_of_any_honest_token_stands_for_the_same_bytes(
    claims: dict[str, object], data: st.DataObject
) -> None:
    token = jwt.encode(claims, KEY, algorithm="HS256")
    at = data.draw(st.integers(0, len(token) - 1))
    changed = EDITS["replaced"](token, at, data.draw(st.characters()))
    assert changed == token or accepted_bytes(changed) != accepted_bytes(token)
