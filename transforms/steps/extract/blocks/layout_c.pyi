"""What layout_c.pyx gives, for type checkers."""

from transforms.steps.extract.blocks.layout import Layout
from transforms.steps.extract.blocks.source import Source

def lay_out(source: Source) -> Layout: ...
