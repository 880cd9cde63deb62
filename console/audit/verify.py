"""Check the whole audit log and answer two questions apart: is what is there intact, and is all of it there?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ec

from console.audit.files import RAW_LINE, AuditFiles
from console.audit.key import fingerprint, load_public_key, signature_is_good
from console.audit.log import RECOVERED
from console.audit.record import GENESIS, Record, digest, parse
from console.audit.seal import previous_seal, summarise

SEAL_GRACE = timedelta(hours=2)


class Question(StrEnum):
    """What a finding speaks against."""

    INTACT = "intact"
    COMPLETE = "complete"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, and where."""

    question: Question
    place: str
    detail: str


@dataclass(frozen=True)
class Anchors:
    """What was seen of the log from outside its directory: the newest record, and the seals by day."""

    head_seq: int = 0
    head_line_sha256: str = GENESIS
    seals: Mapping[date, str] | None = None


@dataclass(frozen=True)
class Report:
    """The result.  ``key_sha256`` is None without a usable public key."""

    findings: tuple[Finding, ...]
    records: int
    sealed_days: int
    head_line_sha256: str
    key_sha256: str | None

    def holds(self, question: Question) -> bool:
        """Return whether nothing speaks against it."""
        return not any(finding.question is question for finding in self.findings)


def verify(files: AuditFiles, now: datetime, anchors: Anchors = Anchors()) -> Report:
    """Read everything under the lock and report.  Changes nothing; raises ``OSError`` when it cannot read."""
    with files.locked():
        chain = Chain(anchors)
        for day in files.log_days():
            chain.read_day(files, day)
        findings = [*chain.finish(), *_seal_findings(files, now, anchors)]
        public = None
        if files.seal_days():
            try:
                public = load_public_key(files)
            except (OSError, ValueError) as error:
                findings.append(Finding(Question.INTACT, str(files.public_key), f"no usable public key: {error}"))
        if public is not None:
            findings += _signature_findings(files, public)
        return Report(
            findings=tuple(findings),
            records=chain.records,
            sealed_days=len(files.seal_days()),
            head_line_sha256=chain.last_line,
            key_sha256=None if public is None else fingerprint(public),
        )


class Chain:
    """Walk the raw lines in order and follow ``prev`` and ``seq``."""

    def __init__(self, anchors: Anchors) -> None:
        self.records = 0
        self.last_line = GENESIS
        self._seq = 0
        self._anchors = anchors
        self._anchor_met = anchors.head_seq == 0
        self._fragment: tuple[str, str] | None = None  # place and hash of a line that is no record
        self._findings: list[Finding] = []

    def read_day(self, files: AuditFiles, day: date) -> None:
        """Follow one day's file."""
        for number, line in enumerate(RAW_LINE.findall(files.log(day).read_bytes()), start=1):
            place = f"{files.log(day)}:{number}"
            record = parse(line)
            if record is None:
                self._unexplained_fragment()
                self._fragment = (place, digest(line))
            else:
                self._follow(record, place)
                if record.seq == self._anchors.head_seq:
                    self._anchor_met = digest(line) == self._anchors.head_line_sha256
            self.last_line = digest(line)

    def finish(self) -> list[Finding]:
        """Return what is wrong."""
        self._unexplained_fragment()
        if not self._anchor_met:
            self._findings.append(
                Finding(
                    Question.COMPLETE,
                    "end of the log",
                    f"the store has seen record {self._anchors.head_seq}; it is missing or different (a tail was cut)",
                )
            )
        return self._findings

    def _follow(self, record: Record, place: str) -> None:
        if self._fragment is not None:
            if record.action == RECOVERED and record.detail.get("fragment_sha256") == self._fragment[1]:
                self._fragment = None
            self._unexplained_fragment()
        if record.prev != self.last_line:
            self._wrong(place, "the hash of the line before it does not match")
        if record.seq != self._seq + 1:
            question = Question.COMPLETE if record.seq > self._seq + 1 else Question.INTACT
            self._findings.append(Finding(question, place, f"record {record.seq} follows record {self._seq}"))
        self._seq = record.seq
        self.records += 1

    def _unexplained_fragment(self) -> None:
        if self._fragment is not None:
            self._wrong(self._fragment[0], "this line is not a record")
            self._fragment = None

    def _wrong(self, place: str, detail: str) -> None:
        self._findings.append(Finding(Question.INTACT, place, detail))


def _seal_findings(files: AuditFiles, now: datetime, anchors: Anchors) -> Iterator[Finding]:
    seal_days, log_days = files.seal_days(), files.log_days()
    known = dict(anchors.seals or {})
    for day in seal_days:
        yield from _one_seal(files, day, first=day == seal_days[0])
        if known.pop(day, None) not in {None, digest(files.seal(day).read_bytes())}:
            yield Finding(Question.INTACT, str(files.seal(day)), "differs from the seal that the store remembers")
    for day in sorted(known):
        yield Finding(Question.COMPLETE, str(files.seal(day)), "the store remembers this seal; it is gone")
    days = sorted({*seal_days, *log_days})
    if days:
        newest_due = (now.astimezone(UTC) - SEAL_GRACE).date() - timedelta(days=1)
        for number in range((newest_due - days[0]).days + 1):
            day = days[0] + timedelta(days=number)
            if day not in seal_days:
                yield Finding(Question.COMPLETE, str(files.seal(day)), "this finished day has no seal")


def _one_seal(files: AuditFiles, day: date, *, first: bool) -> Iterator[Finding]:
    place = str(files.seal(day))
    pairs = dict(line.partition(": ")[::2] for line in files.seal(day).read_text(encoding="utf-8").splitlines())
    if not files.log(day).exists():
        yield Finding(Question.COMPLETE, str(files.log(day)), "the day is sealed; its file is gone")
        return
    summary = summarise(files.log(day).read_bytes())
    if pairs.get("sha256") != summary.sha256:
        yield Finding(Question.INTACT, str(files.log(day)), "differs from its seal")
    if pairs.get("records") != str(summary.records):
        yield Finding(
            Question.INTACT, str(files.log(day)), f"has {summary.records} records, its seal says {pairs.get('records')}"
        )
    expected = previous_seal(files, day)
    if pairs.get("previous-seal-sha256") != expected or (expected == GENESIS and not first):
        yield Finding(Question.INTACT, place, "does not continue the seal of the day before")


def _signature_findings(files: AuditFiles, public: ec.EllipticCurvePublicKey) -> Iterator[Finding]:
    for day in files.seal_days():
        signature = files.signature(day)
        if not signature.exists():
            yield Finding(Question.INTACT, str(signature), "the signature is missing")
        elif not signature_is_good(public, signature.read_bytes(), files.seal(day).read_bytes()):
            yield Finding(Question.INTACT, str(signature), "the signature is not the key's over this seal")
