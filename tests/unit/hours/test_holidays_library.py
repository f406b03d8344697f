"""The library of public holidays, of which a process loads one country."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Countries alone, with subdivisions, with calendars of their own, and those that build on another country.
_CODES = ["CN", "HK", "MO", "TW", "SG", "JP", "DE-BE", "GB-SCT", "US-CA", "GU", "IL", "TH", "IN", "ID", "AX", "SJ"]
_PRINT = """
import sys
from router.hours.holidays import public_holidays
for code in {codes}:
    print(code, public_holidays(code).known_until, sorted(public_holidays(code).year(2026).closed.items()))
print(len([name for name in sys.modules if name.startswith("holidays.countries.")]), file=sys.stderr)
"""


def _printed(before: str, codes: list[str]) -> subprocess.CompletedProcess[str]:
    program = before + _PRINT.format(codes=codes)
    root = Path(__file__).parents[3]
    return subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)


def test_a_desk_of_one_country_loads_no_other():
    assert _printed("", ["CN"]).stderr == "1\n"


def test_every_country_has_the_holidays_that_the_whole_library_has():
    alone, whole = _printed("", _CODES), _printed("import holidays.countries", _CODES)
    assert int(whole.stderr) > 200 > int(alone.stderr)
    assert alone.stdout == whole.stdout


@pytest.mark.parametrize("code", ["XX", "DE-XX"])
def test_an_unknown_country_is_refused_as_before(code: str):
    failed = f"""
from router.errors import ConfigError
from router.hours.holidays import public_holidays
try:
    public_holidays("{code}")
except ConfigError as error:
    print(error)
"""
    root = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", failed], cwd=root, capture_output=True, text=True, check=True)
    assert code in ran.stdout
