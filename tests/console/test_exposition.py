"""The fast parser reads what Prometheus' own client reads, and refuses what is no page."""

import math
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from console.config import TlsFiles
from console.worker.exposition import PageError, PageParser, Samples
from console.worker.fetch import Fetcher, client_context
from tests.agent.pki import Authority
from tests.agent.process import running_agent, write_config
from tests.console.fixture_config import host

TRICKY = """\
# HELP a_total with a \\n newline
# TYPE a_total counter
a_total{path="C:\\\\dir\\\\",text="say \\"hi\\"\\nbye",brace="}, {"} 1e+06
b 1
b{x=""} NaN
b{x="y",} +Inf
b{ x = "spaced" , y="2" } -Inf
c{x="last space 5"} 0.5 1700000000000
  d   7

# a comment
e_bucket{le="+Inf"} 3
e_bucket{le="0.1"} 2.5E-3
"""

Flat = dict[tuple[str, frozenset[tuple[str, str]]], float]


def reference(page: str) -> Flat:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def flat(samples: Samples) -> Flat:
    return {(name, frozenset(labels.items())): value for name, rows in samples.items() for labels, value in rows}


def same(left: Flat, right: Flat) -> bool:
    return left.keys() == right.keys() and all(
        left[key] == right[key] or (math.isnan(left[key]) and math.isnan(right[key])) for key in left
    )


@pytest.fixture(scope="module")
def real_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of the real agent."""
    directory = tmp_path_factory.mktemp("agent")
    authority = Authority(directory / "pki")
    console = authority.issue("appliance1")
    tls = TlsFiles(authority.certificate, console.certificate, console.key)
    with running_agent(directory, write_config(directory, authority, authority.issue("his1"))) as agent:
        return Fetcher(client_context(tls)).get(host(port=agent.port), "/metrics").decode()


def test_a_real_page_reads_as_prometheus_client_reads_it_the_first_and_the_second_time(real_page: str) -> None:
    parser = PageParser()
    expected = reference(real_page)
    assert len(expected) > 100
    assert same(flat(parser.parse(real_page)), expected)
    assert same(flat(parser.parse(real_page)), expected)


def test_escapes_spaces_timestamps_and_special_values_read_as_prometheus_client_reads_them() -> None:
    parser = PageParser()
    for _ in range(2):
        assert same(flat(parser.parse(TRICKY)), reference(TRICKY))


def test_a_remembered_page_costs_a_fraction_of_prometheus_clients_parser(real_page: str) -> None:
    parser = PageParser()
    parser.parse(real_page)

    def best(read: object) -> float:
        times = []
        for _ in range(7):
            start = time.process_time()  # a busy machine is no slow parser
            assert callable(read)
            read(real_page)
            times.append(time.process_time() - start)
        return min(times)

    assert best(parser.parse) < best(reference) / 5


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a{",
        'a{x="1} 2',
        "a{x=1} 2",
        "a 1_000",
        "a 0x10",
        "a one",
        "a 1 2 3",
        "9a 1",
        'a{x="1"y="2"} 3',
        "a nanana",
    ],
)
def test_a_line_that_is_no_sample_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(PageError, match="line 2"):
        PageParser().parse(f"ok 1\n{line}\n")


def test_a_bad_value_in_a_remembered_line_is_refused_too() -> None:
    parser = PageParser()
    parser.parse('a{x="1"} 5\n')
    for value in ("1_0", "five", ""):
        with pytest.raises(PageError):
            parser.parse(f'a{{x="1"}} {value}\n')


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.worker.exposition.REMEMBERED_LINES", 10)
    parser = PageParser()
    for number in range(100):
        parser.parse(f'a{{x="{number}"}} 1\n')
    assert len(parser._known) <= 10
