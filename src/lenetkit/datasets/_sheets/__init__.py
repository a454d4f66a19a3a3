"""Sheets of boxes to write digits into: printed, and read from photographs.

In: the number of a sheet. Out: the page; and of photographs of filled-in pages, the boxes as labelled images.
Next: :mod:`lenetkit.datasets._formats.sheet_photos`, which makes a data set of a folder of them.
"""

from lenetkit.datasets._sheets.sheet_boxes import SheetBoxes, read_sheet
from lenetkit.datasets._sheets.sheet_marks import find_sheet
from lenetkit.datasets._sheets.sheet_page import draw_sheet, save_sheets

__all__ = ["SheetBoxes", "draw_sheet", "find_sheet", "read_sheet", "save_sheets"]
