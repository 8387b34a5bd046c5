#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens the made-up report in Chromium and uses it: usage page_test.py SAMPLE_PROGRAM.

Every pixel after a slider or the window has moved is compared with fusion (Eq. 7 of the paper) computed here, every
number with the sample's own figures; nothing may leave the page. Exits 77 (skipped) where Chromium or Selenium is absent.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from browser import Page, open_browser
from manners_checks import (check_checklists, check_figures, check_keyboard_and_names, check_large, check_light_and_dark, check_names_of_figure_4,
                            check_nothing_leaves, check_phone, check_print)
from table_checks import (check_curves_and_marks, check_filter, check_forest, check_lesions_only, check_readout, check_sorting, check_sentences,
                          check_switching_curves, check_table_numbers)
from viewer_checks import (check_alpha_recomputes_eq_7, check_bare, check_film_list, check_first_picture, check_map_classes, check_one_form, check_overlay, check_side_by_side,
                           check_threshold_and_rows, check_window)

sys.dont_write_bytecode = True


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        downloads = folder / "downloads"
        downloads.mkdir()
        path, large, one_form, bare = (folder / f"{kind}.html" for kind in ("report", "large", "one_form", "bare"))
        subprocess.run([sys.argv[1], str(path)], check=True)
        subprocess.run([sys.argv[1], str(large), "200"], check=True)
        subprocess.run([sys.argv[1], str(one_form), "one_form"], check=True)
        subprocess.run([sys.argv[1], str(bare), "bare"], check=True)
        figures = json.loads((folder / "report.html.json").read_text())
        driver = open_browser(str(downloads))
        try:
            page = Page(driver, path.as_uri())
            for check in (check_first_picture, check_map_classes, check_alpha_recomputes_eq_7, check_window, check_threshold_and_rows, check_overlay, check_film_list,
                          check_side_by_side, check_table_numbers, check_forest, check_sentences, check_sorting, check_filter, check_readout, check_switching_curves, check_curves_and_marks,
                          check_light_and_dark, check_keyboard_and_names, check_checklists, check_phone, check_print):
                check(page, figures)
                print("ok", check.__name__, flush=True)
            check_figures(page, figures, downloads)
            print("ok check_figures", flush=True)
            check_nothing_leaves(page, figures)
            print("ok check_nothing_leaves", flush=True)
            for check, other in ((check_one_form, one_form), (check_lesions_only, one_form), (check_names_of_figure_4, one_form), (check_bare, bare)):
                check(driver, other.as_uri())
                print("ok", check.__name__, flush=True)
            check_large(driver, large.as_uri())
            print("ok check_large")
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
