"""`python -m workers.answering.first_thresholds`: train a new desk's thresholds, so that it may answer alone."""

from __future__ import annotations

import os
from typing import Final

import structlog

from router.errors import OmniyardError, PermanentError
from router.settings.files import find_settings, load_settings
from store.db.open import open_database
from workers.answering.learn_answers import learn_answers
from workers.answering.training_attempt import attempt
from workers.runtime.cpu import calculate_alone
from workers.runtime.logs import configure_logging
from workers.runtime.umask import keep_files_private
from workers.training.learn import encoder_of

# A low priority for a minute of work: mail goes first.
_NICENESS: Final = 10

_log = structlog.get_logger()


def main() -> None:
    """Train and store the thresholds; workers use them within seconds.

    Too little to train from is only logged. After another failure the exit code is 1, and `up` tries again later.
    """
    keep_files_private()
    os.nice(_NICENESS)
    calculate_alone()
    settings = load_settings(None)
    configure_logging(settings.omniyard.log_level)
    database = open_database(settings)
    try:
        with attempt(settings):
            encoder = encoder_of(settings)
            report = learn_answers(settings, config=find_settings(None), encoder=encoder, database=database)
    except PermanentError as error:
        _log.warning("answers.not_trained", why=str(error))
    except (OmniyardError, OSError) as error:
        _log.error("answers.not_trained", why=str(error))
        raise SystemExit(1) from error
    else:
        _log.info("answers.trained", answers=report.answers, threshold=report.threshold, refused=report.refused)
    finally:
        database.close()


if __name__ == "__main__":
    main()
