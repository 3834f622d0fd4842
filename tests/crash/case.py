"""What the single cases share: a lab per test that is closed whatever happens, and the usual questions."""
import unittest

import documents
import inventory
import lab
import oracles
from models import Model

TWIN = 3


class Case(unittest.TestCase):
    maxDiff = None

    def make_lab(self, **options):
        made = lab.Lab(**options)
        self.addCleanup(made.close)
        self.lab, self.models = made, []
        self.addCleanup(lambda: self._outcome_bad() and print(made.log_tail()))
        return made

    def _outcome_bad(self):
        return any(error for _, error in getattr(self._outcome, "errors", [])) or bool(getattr(self._outcome.result, "failures", None))

    def model(self, twin=TWIN):
        self.models.append(Model(twin))
        return self.models[-1]

    def deployed(self, *workloads, twin=TWIN):
        """A deployment that runs."""
        model = self.model(twin)
        model.deploy(self.lab, documents.document(twin, list(workloads)))
        self.settle()
        return model

    def update(self, model, change):
        model.update(self.lab, model.next_document(change))

    def settle(self, limit=lab.PATIENCE):
        lab.wait_for(lambda: not self.differences() and not oracles.restless(self.lab),
                     lambda: "; ".join(self.differences() + oracles.restless(self.lab)), limit)

    def differences(self):
        return [text for model in self.models for text in model.differences(self.lab)]

    def assert_all_holds(self):
        contracts = [(m.twin, m.contract) for m in self.models if m.get(self.lab) is not None]
        complaints = oracles.check(self.lab, contracts)
        complaints += [text for m in self.models if (m.twin, m.contract) in contracts for text in m.check_entries(m.changes(self.lab))]
        self.assertEqual(complaints, [])

    def assert_refused(self, code, function, *arguments):
        with self.assertRaises(lab.Refused) as caught:
            function(*arguments)
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception.message

    def diagnostics(self):
        return self.lab.daemon.call("zos.system.diagnostics")

    def existing(self):
        return sorted(inventory.existing(self.lab))


def main():
    try:
        unittest.main(verbosity=2)
    finally:
        lab.remove_template()
