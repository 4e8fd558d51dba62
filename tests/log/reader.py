"""A second reader of change logs, written after docs/log-format.md alone."""

import json
import re
from contextlib import suppress
from typing import Any

from blake3 import blake3

N, KEY, BARE, OPEN = "(?:0|[1-9][0-9]{0,15})", "[a-z][a-z0-9-]*", "[A-Za-z0-9._:/+<>,-]+", r'"(?:[ !#-\[\]-~]|\\[ -~])*'
VALUE, HEX = f'(?:{BARE}|{OPEN}")', "[0-9a-f]"
FIELD, HEAD = re.compile(f" ({KEY})=({VALUE})"), re.compile(f"@({KEY}) ({N})((?: {KEY}={VALUE})*)")
CUT_FIELDS = rf"(?: (?!sum=){KEY}={VALUE})*(?: (?:{KEY}|(?!sum=){KEY}=(?:{OPEN}\\?)?|sum=({HEX}{{0,32}}))?)?"
CUT_CHARACTER = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")
SUMS = re.compile(rb" prev=([0-9a-f]{32}) sum=([0-9a-f]{32})\n")
SUMMED, CONTROL = re.compile(" sum=[0-9a-f]{32}$"), re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
HIDDEN = re.compile("[\0-\x08\n-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
ESCAPED = re.compile(rf"\\([ +|-])((?:[ -\[\]-~]|\\[\\tr]|\\x{HEX}{{2}}|\\u{HEX}{{4}}|\\U{HEX}{{8}})*)")
RECORD = re.compile(rb"@[^\n]* sum=[0-9a-f]{32}\r?\n|@[^\n]*\n(?:[ +|\\-][^\n]*\n)*@\. [^\n]*\n")
OURS = re.compile(rb"(?:\xef\xbb\xbf)?@relive-log |[^\n]* sum=[^\n]{32}\r?(?:\n|\Z)")
WORDS = {"OP": "add|replace|remove", "EFFECT": "assign|call|unknown", "FAILURE": "raised|refused"}
WORDS["VIA"] = "editor|repl|patch|undo|replay"
TYPES = {"V": VALUE, "PATH": VALUE, "N": N, "ID": f"{HEX}{{16}}", "SESSION": f"{HEX}{{4,16}}", "MAC": f"{HEX}{{32}}"}
TYPES |= {"HASH": f"b3:{HEX}{{16}}|-", "CAUSE": f"{HEX}{{4,16}}/{N}", "MS": rf"{N}\.[0-9]", "LIST": f"-|{N}(?:,{N})*"}
TYPES |= {"EOL": "lf|crlf|cr", **WORDS}
TABLE = """relive-log v=N id=ID source=PATH base=HASH enc=V eol=EOL py=V relive=V [after=PATH]
session id=SESSION at=V pid=N host=V boot=V by=V src=HASH; close id=SESSION at=V
patch tx=N at=V op=OP target=V [after=V] [pre=ID] [post=ID] via=VIA [cause=CAUSE]
state tx=N at=V target=V effect=EFFECT via=VIA [cause=CAUSE]
undo tx=N at=V of=N why=V; skip tx=N at=V of=N why=V; unskip tx=N at=V of=N why=V
commit tx=N recs=N [within=CAUSE] mac=MAC; done tx=N ms=MS; fail tx=N kind=FAILURE why=V
fold-begin at=V from=HASH to=HASH of=LIST; fold-end begin=N
note at=V text=PATH; torn at=V bytes=N kept=PATH"""
KINDS = {row.split()[0]: re.findall(r"(\[?)([a-z]+)=([A-Z]+)", row) for row in re.split("; |\n", TABLE)}
PARTS = ("patch", "state", "undo", "skip", "unskip", "commit")


def check(*rights: object) -> None:
    """Where something is not right, the part that is verified ends."""
    if not all(rights):
        raise ValueError


def read(data: bytes) -> dict[str, Any]:
    """What a log says: its verified records, the transactions that are committed, and what stands behind."""
    records, transactions, tail, at, verified, known = [], {}, "clean", 0, 0, 0
    with suppress(ValueError, KeyError):
        while found := RECORD.match(data, at):
            record = parse(found[0].replace(b"\r\n", b"\n"))
            kind, seq, tx, keys, is_newer = (record[name] for name in ("kind", "seq", "tx", "keys", "newer"))
            check((kind == "relive-log") == (not records))
            if not records:
                first, last, tail = seq, seq, "newer" if is_newer else "clean"
                check(is_newer or "after" in keys or (seq, record["prev"]) == (0, bytes(16)))
            check(not records or (seq, record["prev"]) == (records[-1]["seq"] + 1, records[-1]["hash"][:16]))
            is_part, opened = tx > last and (kind in PARTS or kind not in KINDS or is_newer), records[known:]
            check(is_part or (not opened and (is_newer or kind not in PARTS)), all(part["tx"] == tx for part in opened))
            transactions.get(tx if is_newer else 0, {})["newer"] = True
            if kind in ("done", "fail") and not is_newer and tx > first:
                transactions[tx]["fate"] = keys.get("kind", "done")
            if kind == "commit":
                newer = check(int(keys["recs"]) == len(opened)) or any(part["newer"] for part in opened)
                transactions[tx] = {"tx": tx, "first": seq - len(opened), "last": seq, "newer": newer, "fate": ""}
                last, is_part = tx, False
            at = found.end()
            records.append(record)
            if not is_part:
                verified, known = at, len(records)
    if tail == "clean" and (verified < len(data) or not data):
        tail = "damaged" if OURS.match(data) else "foreign"
        with suppress(ValueError, IndexError):
            check_torn(data, at, str(records[-1]["seq"] + 1) if records else "0")
            check(len(data) - verified <= 66 << 20)
            tail = "torn"
    return {"tail": tail, "records": records[:known], "transactions": [*transactions.values()]}


def parse(lines: bytes) -> dict[str, Any]:
    """A record from its logical lines."""
    sums, hashed = SUMS.fullmatch(lines[-76:]), blake3(lines[:-38]).digest()
    check(sums and hashed[:16].hex().encode() == sums[2], len(lines) <= 1 << 20)
    head, *payload = lines[:-76].decode().split("\n")
    check(opening := HEAD.fullmatch(head))
    (kind, seq, fields), table = opening.groups(), KINDS.get(opening[1], [])
    written, types = FIELD.findall(fields), {key: type for _, key, type in table}
    keys = {key: parse_value(value, types.get(key)) for key, value in written}
    texts, dash = [parse_line(line) for line in payload[:-1]], "-" if payload and payload[-1][-1:] == "-" else ""
    check(not payload or (payload[-1] == f"@. {seq} n={len(texts)}{dash}" and (texts or not dash)))
    check(not table or bool(payload) == (kind in ("patch", "state")), re.fullmatch(N, keys.get("tx", "0")))
    strange = {key for key in keys if key not in types and not key.startswith("x-")}
    strange |= {key for key in keys if types.get(key) in WORDS and not re.fullmatch(WORDS[types[key]], keys[key])}
    is_other = kind == "relive-log" and fields.startswith(" v=") and written[0][1] != "1"
    is_newer = bool(strange) or is_other if table else not kind.startswith("x-")
    check(
        len(written) == len(keys),
        not is_newer or kind not in ("relive-log", "commit") or (is_other and re.fullmatch(N, keys["v"])),
    )
    if table and not is_newer:
        order = "".join(f"(?: {key}=(?:{TYPES[type]})){'?' * len(may)}" for may, key, type in table)
        check(re.fullmatch(rf"{order}(?: x-[a-z0-9-]*={VALUE})*", fields))
        op, has = keys.get("op", ""), [key in keys for key in ("after", "pre", "post")]
        check({line[0] for line in texts} <= {*{"add": "+", "remove": "-", "replace": " -+"}.get(op, "|")})
        check(kind != "patch" or has == [op == "add", op != "add", op != "remove"])
        check(kind != "state" or not dash or texts[-1][1])
    record = {"kind": kind, "seq": int(seq), "tx": int(keys.get("tx", 0)), "newer": is_newer, "keys": keys}
    return record | {"texts": texts, "ended": not dash, "prev": bytes.fromhex(sums[1].decode()), "hash": hashed}


def parse_value(value: str, type: str | None = None) -> str:
    """What a value says, if this is its only spelling."""
    said: str = json.loads(value) if value[0] == '"' else value
    check(value == said or (json.dumps(said) == value and not re.fullmatch(BARE, said)))
    name = said.encode(errors="strict" if type == "V" else "surrogateescape")
    check(name.decode(errors="surrogateescape") == said)
    return said


def parse_line(line: str) -> tuple[str, str]:
    """The prefix and the text of a payload line, if this is its only spelling."""
    if line[:1] != "\\":
        check(line[:1] in [*" -+|"], not HIDDEN.search(line))
        return line[0], line[1:]
    check(escaped := ESCAPED.fullmatch(line))
    text = escaped[2].encode().decode("unicode_escape")
    check(HIDDEN.search(text), text.encode("unicode_escape").decode() == escaped[2], text.encode())
    return escaped[1], text


def check_torn(data: bytes, at: int, seq: str) -> None:
    """What follows the last record that is right must be what a write leaves that was cut off."""
    start = at + len(data[at:].partition(b"\0")[0])
    part, rest = data[at:start].replace(b"\r\n", b"\n"), data[start:]
    if at == 0 and not b"@relive-log ".startswith(part):
        seq = re.findall(b"^@relive-log ([0-9]*)", part)[0].decode() or "0"
    *lines, cut = CUT_CHARACTER.sub(b"", part).decode().split("\n")
    for line in lines[:1]:
        check(opening := HEAD.fullmatch(line))
        check(opening[2] == seq, opening[1] not in KINDS or opening[1] in PARTS[:2], not SUMMED.search(line))
        check(*(parse_value(value) is not None for _, value in FIELD.findall(opening[3])))
    for line in [*lines[1:], cut] if lines and cut[:1] not in "@" else lines[1:]:
        check(line[:1] in [*" -+|\\"], not HIDDEN.search(line), line[:1] != "\\" or line.isascii())
    if not lines or cut[:1] == "@":
        check(found := re.fullmatch(rf"(?:@(?:{'[.]' if lines else KEY}(?: ([0-9]*)({CUT_FIELDS})?)?)?)?", cut))
        check(seq.startswith(found[1] or ""), not found[2] or found[1] == seq)
        check(len(found[3] or "") < 32 or blake3(part[:-37]).hexdigest()[:32] == found[3])
    for run in re.finditer(rb"\0+", rest):
        check(run.end() == len(rest) or ((start + run.end()) % 512 == 0 and len(run[0]) >= 2))
    written = [line for line in re.findall(rb"[^\n]*\n|[^\n]+", rest) if line.strip(b"\0")]
    check(not CONTROL.search(rest), *(b"\0" in line or line[:1] in b"@ -+|\\" for line in written))
    check(not any(line[:8] == b"@commit " and b"\0" not in line for line in written[:-1]))
