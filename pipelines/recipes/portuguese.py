"""FineWeb2's recipe for Portuguese, with the personal data that Brazil and Portugal have beside the rest's."""

from pipelines.recipes.fineweb2 import fineweb2
from transforms.steps.pii.entities import ALL_TYPES
from transforms.steps.pii.scrub import ScrubPii

PORTUGUESE = fineweb2("pt").vary(
    ScrubPii(types=ALL_TYPES, spelled_emails=True),  # PIS, título de eleitor, CNH, RG and NIF too
    name="portuguese",
    about="Portuguese web text by FineWeb2's values, deduplicated over all crawls, with its rehydration weights",
)
