#!/usr/bin/env python3
"""Documents: relative links and anchors lead somewhere, every page is reachable, nothing names a registry or a machine."""

import re
import urllib.parse

from common import ROOT, finish, name, tracked

LINK = re.compile(r"(?<!\\)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()]*\)[^()\s]*)?)(?:\s+\"[^\"]*\")?\)")
# In pieces, since this file is read too. Their package names are fine; their addresses change with the machine.
REGISTRIES = [
    ".".join(parts)
    for parts in [
        ("crates", "io"), ("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs", "org"), ("repo1", "maven", "org"),
        ("repo", "maven", "apache", "org"), ("proxy", "golang", "org"), ("sum", "golang", "org"), ("deb", "debian", "org"),
    ]
]
MACHINE = re.compile(r"(?<![\w./-])/(?:work|root|home/\w+)/")
# Written by a package manager, with its registry's address inside.
LOCKS = {"Cargo.lock"}


def prose(text):
    """The text without code: a link in an example is no link."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", "`code`", text)


def anchors(text):
    """The anchors that headings make, as code hosts make them."""
    found = {}
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), flags=re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {s if n == 0 else f"{s}-{n}" for s, last in found.items() for n in range(last + 1)}


def links(page):
    """Yields (target as written, file, anchor) of the relative links of a page."""
    for target in LINK.findall(prose(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / urllib.parse.unquote(path)).resolve() if path else page
        yield target, file, anchor


def main():
    pages = tracked("*.md")
    faults, reached = [], set()
    for page in pages:
        for target, file, anchor in links(page):
            reached.add(file)
            if not file.exists():
                faults.append(f"{name(page)} links to {target}, which is not there")
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
                faults.append(f"{name(page)} links to {target}: {name(file)} has no such heading")
    for page in pages:
        if page.parent.is_relative_to(ROOT / "docs") and page not in reached and page != ROOT / "docs/index.md":
            if not any(page.is_relative_to(folder) for folder in reached if folder.is_dir()):
                faults.append(f"{name(page)} is linked from nowhere: name it in docs/index.md or in its folder's README.md")
    for file in tracked("*"):
        if file.name in LOCKS:
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for host in REGISTRIES:
                if host in line:
                    faults.append(f"{name(file)}:{number} names the package registry {host}: name the package only")
            if MACHINE.search(line):
                faults.append(f"{name(file)}:{number} names a path of one machine: {line.strip()[:80]}")
    finish("docs", faults, len(pages))


main()
