"""What several tests share."""

import pytest


@pytest.fixture(scope="session")
def model_path() -> str:
    from pipelines.assets import resolve_language_model

    return str(resolve_language_model("lid.176.ftz"))
