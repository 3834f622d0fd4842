#!/usr/bin/env python3
"""How pairs are kept, thrown away and summed up."""
import math
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ratio  # noqa: E402
import run  # noqa: E402
from scenarios import Figure  # noqa: E402


def scripted(values):
    values = iter(values)
    return lambda: next(values)


class Collect(unittest.TestCase):
    def test_keeps_pairs_between_equal_canaries(self):
        kept, canaries = ratio.collect(scripted(["a", "b"]), scripted([50, 51, 49]), 2)
        self.assertEqual(kept, ["a", "b"])
        self.assertEqual(canaries, [[50, 51], [51, 49]])

    def test_throws_a_pair_away_in_which_the_machine_changed(self):
        kept, _ = ratio.collect(scripted(["a", "b", "c"]), scripted([50, 80, 78, 79]), 2)
        self.assertEqual(kept, ["b", "c"])

    def test_gives_up_on_a_machine_that_never_rests(self):
        speeds = scripted([50, 80] * 10)
        with self.assertRaises(ratio.Unsteady):
            ratio.collect(lambda: "x", speeds, 2)


class Summarise(unittest.TestCase):
    def test_quotes_median_smallest_and_largest_of_the_ratios(self):
        summary = ratio.ratios([(1, 2), (2, 3), (10, 30)])
        self.assertEqual(summary, {"median": 2, "min": 1.5, "max": 3, "pairs": 3})

    def test_leaves_out_what_was_not_measured(self):
        self.assertEqual(ratio.summarise([None, 4]), {"median": 4, "min": 4, "max": 4, "pairs": 1})
        self.assertIsNone(ratio.summarise([None]))


class Goals(unittest.TestCase):
    def test_knows_in_which_direction_a_figure_is_good(self):
        self.assertTrue(Figure("cpu", 2.0).holds(1.9, 2.0))
        self.assertFalse(Figure("rate", 0.5, best="high").holds(0.4, 0.5))
        self.assertIsNone(Figure("shown only").holds(1.0, None))
        self.assertIsNone(Figure("cpu", 2.0).holds(math.nan, 2.0))

    def test_reports_what_became_worse_than_recorded(self):
        def record(cpu, rate):
            return {"scenarios": {"A1": {"figures": {
                "cpu": {"median": cpu, "best": "low", "bar": 2.0}, "rate": {"median": rate, "best": "high", "bar": 0.5}}}}}

        self.assertEqual(run.regressions(record(1.3, 0.8), record(1.0, 1.0)), [])
        self.assertEqual(len(run.regressions(record(1.5, 0.6), record(1.0, 1.0))), 2)


if __name__ == "__main__":
    unittest.main()
