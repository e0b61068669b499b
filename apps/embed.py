# SPDX-License-Identifier: BSD-3-Clause
"""Makes a C header of a text file: embed.py FILE OUT NAME"""
import sys

source, target, name = sys.argv[1:]
with open(source, encoding="ascii") as f:
    lines = f.read().splitlines()
with open(target, "w", encoding="ascii") as f:
    f.write(f"static const char {name}[] =\n")
    for line in lines:
        text = line.replace("\\", "\\\\").replace('"', '\\"')
        f.write(f'    "{text}\\n"\n')
    f.write("    ;\n")
