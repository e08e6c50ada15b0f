"""Importing TensorFlow after Tandem: no notice on standard error, and nothing else is lost."""

import os
import subprocess
import sys

import pytest

from tandem.quiet import NOTICES, without_notices


def test_only_the_known_notices_are_held_back(capfd):
    with without_notices():
        for notice in NOTICES:
            os.write(2, b"I0000 port.cc:153] " + notice + b" more\n")
        os.write(2, b"E0000 something is really wrong\n")
    assert capfd.readouterr().err == "E0000 something is really wrong\n"


def test_what_was_written_before_an_error_is_not_lost(capfd):
    with pytest.raises(ImportError), without_notices():
        os.write(2, b"the reason\n")
        raise ImportError
    assert capfd.readouterr().err == "the reason\n"


@pytest.mark.slow
def test_tensorflow_is_imported_without_a_word():
    code = "import tandem\nimport tensorflow as tf\nprint(float(tf.reduce_sum(tf.ones(3))))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert (result.stdout, result.stderr) == ("3.0\n", "")


@pytest.mark.slow
def test_the_notices_are_still_what_tensorflow_writes_without_tandem():
    result = subprocess.run(
        [sys.executable, "-c", "import tensorflow"],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert all(notice in result.stderr for notice in NOTICES), "drop tandem.quiet: no longer needed"
