#!/usr/bin/env python3
"""Step extract: the installed packages in dpkg's status file, grouped by section.

stdin:  {"status_file": "/var/lib/dpkg/status"}
stdout: {"sections": [{"section": "admin", "packages": [{"name": .., "version": .., "size_kib": ..}]}]}
"""
import json
import sys


def stanzas(path):
    fields, last = {}, None
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if not line:
                if fields:
                    yield fields
                fields, last = {}, None
            elif line[0] in " \t":
                if last:
                    fields[last] += "\n" + line.strip()
            else:
                last, _, value = line.partition(":")
                fields[last] = value.strip()
    if fields:
        yield fields


def main():
    path = json.load(sys.stdin)["status_file"]
    sections = {}
    for stanza in stanzas(path):
        if not stanza.get("Status", "").endswith(" installed"):
            continue
        sections.setdefault(stanza.get("Section", "unknown"), []).append({
            "name": stanza["Package"],
            "version": stanza.get("Version", ""),
            "size_kib": int(stanza.get("Installed-Size", "0") or 0),
        })
    print(f"read {sum(map(len, sections.values()))} packages from {path}", file=sys.stderr)
    json.dump({"sections": [{"section": s, "packages": p} for s, p in sorted(sections.items())]}, sys.stdout)


if __name__ == "__main__":
    main()
