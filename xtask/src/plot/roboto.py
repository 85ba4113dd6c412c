"""Cuts Roboto Regular down to roboto.ttf: python roboto.py Roboto-Regular.ttf roboto.ttf

The font is version 2.138, unhinted, under the Apache License 2.0, as Debian's fonts-roboto-unhinted 2:0~20170802-3 has
it. Written with fonttools 4.68.0.
"""

import hashlib
import sys

from fontTools import subset

SHA256 = "797e35f7f5d6020a5c6ea13b42ecd668bcfb3bbc4baa0e74773527e5b6cb3174"

# Latin-1, Greek, dashes and quotation marks, primes, superscripts and subscripts, and the signs of norms, comparisons
# and sums.
RANGES = [
    (0x20, 0x7E), (0xA0, 0xFF), (0x391, 0x3A9), (0x3B1, 0x3C9), (0x1D4F, 0x1D4F), (0x2013, 0x2014), (0x2016, 0x2016),
    (0x2018, 0x2019), (0x201C, 0x201D), (0x2026, 0x2026), (0x2032, 0x2033), (0x2070, 0x2089), (0x2096, 0x2096),
    (0x2202, 0x2202), (0x2211, 0x2212), (0x221A, 0x221A), (0x221E, 0x221E), (0x2248, 0x2248), (0x2260, 0x2260),
    (0x2264, 0x2265),
]

source, target = sys.argv[1:]
with open(source, "rb") as file:
    found = hashlib.sha256(file.read()).hexdigest()
if found != SHA256:
    sys.exit(f"{source} is another version: its SHA-256 is {found}")

options = subset.Options()
options.layout_features = []
options.hinting = False
options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
options.drop_tables += ["GDEF", "GPOS", "GSUB", "LTSH", "VDMX", "hdmx", "DSIG", "gasp", "meta"]
# The same bytes on every day.
options.recalc_timestamp = False

font = subset.load_font(source, options)
subsetter = subset.Subsetter(options)
subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
subsetter.subset(font)
subset.save_font(font, target, options)
