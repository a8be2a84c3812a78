"""`infersave predict`: what a calibration says of each row, with its 90 % interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from .output import JsonFlag, print_json

if TYPE_CHECKING:
    from ..catalogs.measurements import Measured
    from ..catalogs.records import Record
    from ..models.observation import Observation
    from ..models.prediction import Estimate, Prediction, Predictor

app = App(
    name="predict",
    help_epilogue="""Examples:
  infersave predict rows.csv
  infersave predict rows.parquet --json
  infersave predict rows.csv --calibrations mine.csv""",
)
UNSTATED = "part of the KV cache or weights is in host memory, but the row does not say how much"


@dataclass
class Answer:
    """What is said of one row.

    Attributes:
        times: estimates by the name they have in JSON, without `predicted_`.
        reason: why there are none.
    """

    record: Record
    measured: Measured | None = None
    times: dict[str, Estimate] = field(default_factory=dict)
    prediction: Prediction | None = None
    reason: str = ""

    def as_data(self) -> dict[str, object]:
        """The row in JSON."""
        found: dict[str, object] = {"row": self.record.number}
        if self.prediction is None:
            return found | {"reason": self.reason}
        for name, estimate in self.times.items():
            found[f"predicted_{name}"] = estimate.value
            found[f"low_{name}"] = estimate.low
            found[f"high_{name}"] = estimate.high
        if "s" in self.times:
            found["low_s"], found["high_s"] = self.times["s"].low, self.times["s"].high
        used = self.prediction.calibration
        names = {n: getattr(used, n) for n in ("gpu", "software", "architecture", "precision")}
        found["calibration"] = names | {"kind": used.kind}
        found["extrapolates"] = list(self.prediction.extrapolates)
        found["sequences_held"] = self.prediction.held
        return found


@app.default
def predict(
    rows: Annotated[Path, Parameter(help="CSV, Parquet, JSON or JSON lines: one run a row.")],
    /,
    *,
    calibrations: Annotated[
        Path | None, Parameter(help="Rows of your own, used before those shipped.")
    ] = None,
    json: JsonFlag = False,
) -> int:
    """Predict the time of each row, with the interval that holds 90 % of such rows.

    Columns are those of measurements (catalogs/README.md); measured times are not read.
    """
    from ..catalogs.calibrations import load_calibrations
    from ..catalogs.records import read_records
    from ..models.prediction import Predictor

    known = load_calibrations()
    if calibrations is not None:
        known = (*known, *load_calibrations(str(calibrations)))
    answers = answer_all(read_records(rows), Predictor(known))
    if json:
        from ..models.plan import SCHEMA_VERSION

        data = [answer.as_data() for answer in answers]
        print_json({"schema_version": SCHEMA_VERSION, "status": "predicted", "predictions": data})
    else:
        from .predict_view import show_predictions

        show_predictions(answers)
    return 0


def answer_all(records: list[Record], predictor: Predictor) -> list[Answer]:
    """An answer to each row, in order; a row that cannot be read gets the reason."""
    from ..catalogs.measurements import read_measured
    from ..models.outcome import InferSaveError

    answers = [Answer(record) for record in records]
    asked: list[tuple[Answer, str, Observation]] = []
    serial: set[int] = set()
    for answer in answers:
        try:
            answer.measured = read_measured(answer.record)
        except InferSaveError as error:
            answer.reason = str(error)
            continue
        if answer.measured.unstated:
            answer.reason = UNSTATED
            continue
        for name, row in answer.measured.observations.items():
            if not answer.measured.concurrent:
                serial.add(len(asked))
            asked.append((answer, name, row))
    predictions = predictor.predict([row for _, _, row in asked], serial)
    for (answer, name, _), found in zip(asked, predictions, strict=True):
        answer.prediction = found
        answer.times |= _times(answer, name, found)
    for answer in answers:
        if answer.measured and (answer.measured.kv_offloaded or answer.measured.weights_offloaded):
            _from_host(answer)
    return answers


def _times(answer: Answer, name: str, found: Prediction) -> dict[str, Estimate]:
    """Estimates of one time of a row, by the names they have in JSON."""
    assert answer.measured is not None
    if name == "prefill":
        return {"prefill_s": found.seconds}
    if name == "decode":
        return {"decode_step_s": found.seconds}
    serving = answer.measured.observations[name].kind == "serving"
    times = {"tpot_s" if serving else "s": found.seconds}
    if found.ttft_s is not None:
        times["ttft_s"] = found.ttft_s
    if found.tokens_per_s is not None:
        times["tokens_per_s"] = found.tokens_per_s
    return times


def _from_host(answer: Answer) -> None:
    """The row's phases with what they wait for the host link."""
    from ..catalogs.kv_streams import kv_stream_bytes_per_s
    from ..models.prediction import Estimate
    from ..models.streaming import streamed

    assert answer.measured is not None
    measured = answer.measured
    rows = measured.observations
    if "prefill" not in rows or "decode" not in rows:
        return
    phases = {}
    for name, key in (("prefill", "prefill_s"), ("decode", "decode_step_s")):
        row = rows[name]
        rate = kv_stream_bytes_per_s(row.gpu.name)
        shares = measured.kv_offloaded, measured.weights_offloaded
        phases[key] = streamed(row, answer.times[key], *shares, rate)
    whole = rows["latency"]
    ends = ("value", "low", "high")
    prefill, steps = ([getattr(phases[key], end) for end in ends] for key in phases)
    total = Estimate(*(p + whole.steps * d for p, d in zip(prefill, steps, strict=True)))
    tokens = whole.batch * (whole.input_tokens + whole.output_tokens)
    speed = Estimate(tokens / total.value, tokens / total.high, tokens / total.low)
    answer.times |= {**phases, "s": total, "tokens_per_s": speed}
