"""Installs conda packages that are there as files at a prefix, without a network.

The packages lie in a folder as a channel has them (linux-64/*.conda). A list
names each, the address it came from, which the environment's records keep, and
the size that the lock states.
"""

import argparse
import asyncio
import glob
import json
import os
import re
import shutil
import subprocess
import sys

CACHE = "/tmp/conda-packages"


def main():
    args = arguments()
    sys.path.insert(0, args.rattler)
    addresses = listed(args)
    asyncio.run(install(args, addresses))
    shutil.rmtree(CACHE, ignore_errors=True)
    tidy(args.prefix, addresses)
    prune(args)
    link(args)


def listed(args):
    """The address of each package, once all have the size that is stated."""
    addresses, wrong = {}, []
    with open(args.packages) as f:
        for line in f:
            name, address, stated = line.split()
            addresses[name] = address
            size = os.path.getsize(os.path.join(args.channel, name))
            if int(stated) not in (0, size):
                wrong.append("%s has %d bytes, the lock states %s" % (address, size, stated))
    if wrong:
        sys.exit("\n".join(wrong))
    return addresses


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--rattler", required=True, help="folder that py-rattler is installed in")
    p.add_argument("--channel", required=True, help="folder with the packages")
    p.add_argument("--packages", required=True, help="file with a package, its address and its size in each line, 0 when it is not known")
    p.add_argument("--prefix", required=True)
    p.add_argument("--prune", action="append", default=[], help="pattern of what to remove")
    p.add_argument("--keep", action="append", default=[], help="pattern of what to keep although it is pruned")
    p.add_argument("--commands", help="folder for links to programs")
    p.add_argument("--package", help="whose programs are linked")
    p.add_argument("--command", action="append", default=[], help="a program to link")
    return p.parse_args()


async def install(args, addresses):
    import rattler

    os.makedirs(os.path.join(args.channel, "noarch"), exist_ok=True)
    await rattler.index.index_fs(args.channel, write_zst=False, write_shards=False)
    records = []
    for index in sorted(glob.glob(os.path.join(args.channel, "*", "repodata.json"))):
        records += rattler.RepoData.from_path(index).into_repo_data(rattler.Channel("file://" + args.channel))
    missing = {os.path.basename(name) for name in addresses} - {r.file_name for r in records}
    if missing:
        sys.exit("not readable as conda packages: " + ", ".join(sorted(missing)))
    scripts = Scripts()
    await rattler.install(records, args.prefix, cache_dir=CACHE, execute_link_scripts=True, show_progress=False, reporter=scripts)
    for package, script in scripts.failed:
        explain(args.prefix, package, script)
    if scripts.failed:
        sys.exit("post-link script failed: " + ", ".join(sorted(package for package, _ in scripts.failed)))


class Scripts:
    """Notes which post-link scripts fail: the installer goes on without them."""

    def __init__(self):
        self.started, self.failed = [], []

    def __getattr__(self, name):
        if name.startswith("on_"):
            return lambda *args: 0
        raise AttributeError(name)

    def on_post_link_start(self, package, script):
        self.started.append((package, script))
        return len(self.started) - 1

    def on_post_link_complete(self, index, success):
        if not success:
            self.failed.append(self.started[index])


def explain(prefix, package, script):
    """Runs a script that failed again, to see what it says: the installer does not tell."""
    path = os.path.join(prefix, "bin") + ":" + os.environ.get("PATH", os.defpath)
    subprocess.run(["bash", os.path.join(prefix, script)], env=dict(os.environ, PREFIX=prefix, PATH=path, PKG_NAME=package))


def tidy(prefix, addresses):
    """Makes the records name where packages came from, in place of this builder's files and times."""
    for name in sorted(addresses):
        address = addresses[name]
        path = os.path.join(prefix, "conda-meta", archive_stem(name) + ".json")
        with open(path) as f:
            record = json.load(f)
        for key in ("extracted_package_dir", "package_tarball_full_path", "link", "indexed_timestamp"):
            record.pop(key, None)
        record["url"] = address
        record["channel"] = address.rsplit("/", 2)[0]
        with open(path, "w") as f:
            json.dump(record, f, indent=2, sort_keys=True)
            f.write("\n")
    for name in ("CACHEDIR.TAG", ".messages.txt"):  # the installer's, and what scripts say to its user
        if os.path.exists(os.path.join(prefix, name)):
            os.remove(os.path.join(prefix, name))


def archive_stem(name):
    name = os.path.basename(name)
    for suffix in (".conda", ".tar.bz2"):
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


def link(args):
    if not args.commands:
        return
    names = args.command or programs(args.prefix, args.package)
    folder = os.path.join(args.prefix, args.commands)
    os.makedirs(folder, exist_ok=True)
    for name in names:
        if not os.access(os.path.join(args.prefix, "bin", name), os.X_OK):
            sys.exit("no package has a program bin/" + name)
        os.symlink(os.path.relpath(os.path.join(args.prefix, "bin", name), folder), os.path.join(folder, name))


def programs(prefix, package):
    """The names of the programs that a package brings."""
    found = []
    for path in glob.glob(os.path.join(prefix, "conda-meta", "*.json")):
        with open(path) as f:
            record = json.load(f)
        if record["name"] == package:
            found = [p[len("bin/"):] for p in record["files"] if p.startswith("bin/") and not p.startswith("bin/.")]
    return sorted(p for p in found if "/" not in p and os.access(os.path.join(prefix, "bin", p), os.X_OK))


def form(pattern):
    """The regular expression of a pattern."""
    name = pattern.rstrip("/")
    parts = re.findall(r"\[[!^]?\]?[^\]]*\]|.", name.lstrip("/"), re.DOTALL)
    return ("" if "/" in name else "(?:.*/)?") + "".join(part_form(p) for p in parts)


def part_form(part):
    if part in ("*", "?"):
        return "[^/]" + part.replace("?", "")
    if len(part) == 1:
        return re.escape(part)
    inner, no = part[1:-1], ""
    if inner[0] in "!^":
        inner, no = inner[1:], "^/"
    return "[" + no + inner.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]") + "]"


class Patterns:
    """What the shell's patterns match: * and ? stand for no slash.

    One without a slash is a name in any folder, one with a slash a path from
    the prefix. A folder stands for all that is in it.
    """

    def __init__(self, patterns):
        self.form = re.compile("|".join("(?:%s)" % form(p) for p in patterns) or "(?!)")
        self.known = {"": False}

    def match(self, path):
        if path not in self.known:
            self.known[path] = self.match(os.path.dirname(path)) or bool(self.form.fullmatch(path))
        return self.known[path]


def prune(args):
    out, keep = Patterns(args.prune), Patterns(args.keep)
    for folder, folders, files in os.walk(args.prefix, topdown=False):
        for name in files + folders:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, args.prefix)
            if out.match(relative) and not keep.match(relative):
                remove(path)


def remove(path):
    if os.path.islink(path) or not os.path.isdir(path):
        os.remove(path)
    elif not os.listdir(path):  # what it still has is kept
        os.rmdir(path)


def run():
    try:
        main()
    except SystemExit as e:
        if e.code not in (None, 0):
            print(e.code, file=sys.stderr)
        return 0 if e.code in (None, 0) else 1
    except Exception as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    # The threads of the installer's library can crash an interpreter that
    # winds up; nothing is left to do.
    os._exit(code)
