"""Tables as people have them: what is read, and what is said of what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from dgm_core.errors import ConfigurationError
from dgm_core.formulation import Box, InitialValueProblem, Table

PLAIN = "time,DP\n6,988.14\n20,961.5\n"

READ = {
    "plain": PLAIN,
    "semicolons": "time;DP\n6;988.14\n20;961.5\n",
    "decimal commas": "time;DP\n6;988,14\n20;961,5\n",
    "decimal commas and thousands": "time;DP\n6;0.988,14\n20;961,5\n",
    "decimal commas in quotes": 'time,DP\n6,"988,14"\n20,"961,5"\n',
    "tabs": "time\tDP\n6\t988.14\n20\t961.5\n",
    "spaces": "time  DP\n 6   988.14\n20   961.5\n",
    "spaces behind commas": "time, DP\n6, 988.14\n20, 961.5\n",
    "another column": "run,time,DP,remark\na,6,988.14,good\nb,20,961.5,\n",
    "other order": "DP,time\n988.14,6\n961.5,20\n",
    "units in the header": "time [d],DP (-)\n6,988.14\n20,961.5\n",
    "units with a slash": "time / d;DP / 1\n6;988.14\n20;961.5\n",
    "units below the header": "time,DP\n[d],[-]\n6,988.14\n20,961.5\n",
    "capitals": "Time,dp\n6,988.14\n20,961.5\n",
    "comments": "# measured 2021, lab 3\n\ntime,DP\n6,988.14\n# a pause\n20,961.5\n",
    "a header in a comment": "# time DP\n6 988.14\n20 961.5\n",
    "no header": "6 988.14\n20 961.5\n",
    "a byte order mark": "\ufeff" + PLAIN,
    "a separator at the end": "time;DP;\n6;988.14;\n20;961.5;\n",
    "windows line ends": PLAIN.replace("\n", "\r\n"),
    "fortran": "time,DP\n6,9.8814D+02\n20,9.615D2\n",
}


def written(folder: Path, text: str, suffix: str = "csv") -> Path:
    path = folder / f"values.{suffix}"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("kind", READ)
def test_a_table_is_read_however_it_is_written(kind: str, tmp_path: Path) -> None:
    table = Table.read(written(tmp_path, READ[kind]), ["time"], ["DP"])
    assert table.points.tolist() == [[6.0], [20.0]]
    assert table.values.flatten().tolist() == pytest.approx([988.14, 961.5])


def test_other_encodings_and_signs(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    path.write_bytes("Länge [µm];Höhe\n\x961,5;2\n3;4\n".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"line 2 has .* in column 'Länge', which is no number"):
        Table.read(path, ["Länge"], ["Höhe"])
    path.write_text("Länge [µm];Höhe\n\u22121,5;2\n3;4\n")
    assert Table.read(path, ["Länge"], ["Höhe"]).points.tolist() == [[-1.5], [3.0]]


GAPS = ["", "NA", "n/d", "NaN", "-", "null"]


@pytest.mark.parametrize("gap", GAPS)
def test_a_gap_is_named_by_its_line_and_left_out_on_request(gap: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"# lab 3\ntime,DP\n6,988.14\n7,{gap}\n20,961.5\n")
    with pytest.raises(ConfigurationError, match=r"cannot be read: line 4 has a gap.* in column 'DP'"):
        Table.read(path, ["time"], ["DP"])
    assert Table.read(path, ["time"], ["DP"], gaps="leave out").points.tolist() == [[6.0], [20.0]]


def test_gaps_of_binary_files_are_named_too(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": [6.0, 7.0, 20.0], "DP": [988.14, None, 961.5]})
    frame.to_parquet(tmp_path / "values.parquet")
    with pytest.raises(ConfigurationError, match="row 2 has nan in column 'DP'"):
        Table.read(tmp_path / "values.parquet", ["time"], ["DP"])
    assert len(Table.read(tmp_path / "values.parquet", ["time"], ["DP"], gaps="leave out").points) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,DP\n6,988.14\n7,about 970\n", r"line 3 has 'about 970' in column 'DP', which is no number"),
        (
            "time,DP\n6,988,14\n",
            "line 2 has 3 cells, where the header has 2 .decimal commas need",
        ),
        ("time;DP\n6;1,234\n7;1,300\n", r"'1,234' may be a decimal comma or thousands"),
        ("time,DP\n", "it has no rows"),
        ("", "it has no rows"),
        ("time,x\n1,2\n", "has no column 'DP': it has time, x"),
        ("time,DP,DP\n1,2,3\n", "2 columns called 'DP'"),
        ("1 2 3\n", "no header, and 3 columns where time, DP are needed"),
        ("time,DP\n6,inf\n", "'inf' in column 'DP', which is no number"),
    ],
)
def test_what_is_no_table_is_said_in_a_sentence(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        Table.read(written(tmp_path, text), ["time"], ["DP"])
    assert "\n" not in str(caught.value)


def test_commas_that_may_be_either_are_said(tmp_path: Path) -> None:
    path = written(tmp_path, "time;DP\n6;1,234\n7;1,300\n")
    assert Table.read(path, ["time"], ["DP"], decimal=",").values.tolist() == [[1.234], [1.3]]
    assert Table.read(path, ["time"], ["DP"], decimal=".").values.tolist() == [[1234.0], [1300.0]]
    path = written(tmp_path, 'time,DP\n6,"1,976.28"\n20,"1,923"\n')
    assert Table.read(path, ["time"], ["DP"]).values.tolist() == [[1976.28], [1923.0]]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_dates_are_refused_or_made_times(suffix: str, tmp_path: Path) -> None:
    """NumPy would count them as days, or nanoseconds, since 1970 without a word."""
    path = tmp_path / f"values.{suffix}"
    frame = pd.DataFrame({"t": ["2024-01-02", "2024-01-01", "2024-01-04"], "y": [0.5, 1.0, 0.1]})
    if suffix == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.assign(t=pd.to_datetime(frame["t"])).to_parquet(path)
    with pytest.raises(ConfigurationError, match=r"column 't' holds dates .*dates='days'"):
        Table.read(path, ["t"], ["y"])
    assert Table.read(path, ["t"], ["y"], dates="days").points.tolist() == [[1.0], [0.0], [3.0]]
    assert Table.read(path, ["t"], ["y"], dates="hours").points.max() == 72.0


def test_a_repeated_point_counts_with_its_mean_where_the_table_is_interpolated() -> None:
    x = torch.tensor([[0.0], [1.0], [1.0], [2.0], [3.0]], dtype=torch.float64)
    y = torch.tensor([[0.0], [1.0], [3.0], [4.0], [6.0]], dtype=torch.float64)
    table = Table(x, y, interpolate=True)
    at = torch.tensor([[1.0], [2.5]], dtype=torch.float64)
    torch.testing.assert_close(table(at), 2.0 * at)
    plane = Table(torch.cat([x, x * x], dim=1), y)
    torch.testing.assert_close(plane(torch.tensor([[1.0, 1.0]], dtype=torch.float64))[0, 0].item(), 2.0)


class Decay(InitialValueProblem):
    domain = Box(t=(0.0, 2.0))

    def initial_state(self, like: torch.Tensor) -> torch.Tensor:
        return like.new_ones(1, 1, 1)

    def equation(self, y: Any) -> torch.Tensor:
        return y.d("t") + y.value


def measured(*times: float) -> type[Decay]:
    t = torch.tensor(times, dtype=torch.float64)[:, None]

    class Measured(Decay):
        table = Table(t, torch.exp(-t))

    return Measured


def test_points_outside_of_the_domain_are_refused_or_left_out() -> None:
    kind = measured(0.0, 1.0, 2.0000001, 10.0, 20.0)  # the third by the file's own rounding
    with pytest.raises(
        ConfigurationError, match=r"2 of 5 points outside of the domain, the first at t = 10 \(row 4\)"
    ):
        kind()
    kind.table = kind.table.inside(Decay.domain)  # type: ignore[union-attr]
    assert len(kind().evaluation_points()) == 3
    with pytest.raises(ConfigurationError, match="no point of the table lies in Box"):
        measured(10.0, 20.0).table.inside(Decay.domain)  # type: ignore[union-attr]
