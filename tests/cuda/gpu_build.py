#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu-check on a machine that has nothing of ours: a root folder with a compiler, cmake, ninja, python3, the CUDA
toolkit and the wheels of cuDNN and cuBLASLt, without a network and without any library of ours. There the programs are
configured, built, linked and started; without a GPU they must say so. So are programs that were built here and carried there.

Usage: gpu_build.py FOLDER [--root ROOT] [--cxx g++-13] [--no-ccache] [--carried BUILD] [TARGET...]
  FOLDER   takes the root folder, which is made of this machine's Debian packages, and a compiler cache for the next time
  --root   another root folder instead, such as debootstrap makes
  --carried   a build folder of this machine, whose `cawe` and cawe_device_cases are packed as --prepare does, and started there
  TARGET   what is built; without one, all that scripts/gpu-check runs
Exit codes: 0 holds, 1 does not, 77 this machine cannot tell (the reason is printed)."""
import argparse
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ['bash', 'coreutils', 'dash', 'findutils', 'g++', 'grep', 'gzip', 'cmake', 'libc-bin', 'mawk', 'ninja-build', 'python3',
            'sed', 'tar', 'xz-utils']
# Headers of libraries that some part of cawe uses: none may be there.
FOREIGN = ['zlib.h', 'nlohmann', 'gtest', 'boost', 'CLI', 'toml++', 'oneapi', 'dnnl.hpp', 'openssl', 'jpeglib.h', 'zip.h', 'Eigen',
           'eigen3', 'benchmark', 'pugixml.hpp', 'google', 'dcmtk', 'stb']


def skip(why):
    print('skipped: ' + why)
    sys.exit(77)


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def new_namespaces():
    """A command in front of others: mounts and processes of its own, no network; for who is not root, a root of its own."""
    command = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child'] + ([] if os.getuid() == 0 else ['--map-root-user'])
    if shutil.which('unshare') is None or subprocess.run(command + ['true'], capture_output=True).returncode != 0:
        skip('no permission for namespaces (unshare)')
    return command


class Bare:
    """The root folder, and how commands run in it."""

    def __init__(self, root, namespaces):
        self.root, self.namespaces, self.environment, self.mounts = root, namespaces, {}, []

    def run(self, script):
        """Runs a shell's line in /cawe; its exit code and output."""
        mounts = ''.join('mount --bind "%s" "$0/%s" && ' % pair for pair in self.mounts)
        inner = (mounts + 'mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && '
                 'exec chroot "$0" /bin/bash -c "cd /cawe 2>/dev/null; $1"')
        environment = {'PATH': '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', 'HOME': '/tmp', 'LC_ALL': 'C', **self.environment}
        done = subprocess.run(self.namespaces + ['sh', '-c', inner, str(self.root), script], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=environment)
        return done.returncode, done.stdout


def copy(source, target):
    """By a link where both are on one file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copy2(source, target)


def make_root(root, packages):
    """Copies the files of installed packages and of all that they depend on."""
    named = output('apt-cache', 'depends', '--recurse', '--installed', '--important', *packages).splitlines()
    wanted = {line.split(':')[0] for line in named if line[:1].isalnum()}
    status = output('dpkg-query', '-W', '-f', '${db:Status-Abbrev}${Package}\n').splitlines()
    installed = {line[3:] for line in status if line.startswith('ii')}
    for folder in ('usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'tmp', 'dev', 'proc', 'etc'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for link in ('bin', 'sbin', 'lib', 'lib64'):
        if not (root / link).is_symlink():
            (root / link).symlink_to('usr/' + link)
    files = output('dpkg-query', '-L', *sorted(wanted & installed)).splitlines()
    kept = [f for f in files if f.startswith('/') and not f.startswith(('/usr/share/doc', '/usr/share/man', '/usr/share/locale'))
            and os.path.lexists(f) and (os.path.islink(f) or os.path.isfile(f))]
    names = '\0'.join(sorted(f[1:] for f in kept + ['/etc/alternatives']))
    pack = subprocess.Popen(['tar', '-C', '/', '-cf', '-', '--null', '-T', '-'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    unpack = subprocess.Popen(['tar', '-C', root, '-xf', '-', '--keep-directory-symlink'], stdin=pack.stdout)
    pack.stdin.write(names.encode())
    pack.stdin.close()
    if pack.wait() != 0 or unpack.wait() != 0:
        sys.exit('the packages were not copied')
    return len(wanted & installed)


def add_toolkit(bare, toolkit):
    """The toolkit without the vendor's libraries, and the folder of their wheels: versioned names only."""
    target = bare.root / 'usr/local/cuda'
    for folder in ('bin', 'nvvm', 'include'):
        for file in (toolkit / folder).rglob('*'):
            if file.is_file() and not file.name.startswith(('cudnn', 'cublas', 'nvblas')):
                copy(file, target / file.relative_to(toolkit))
    libraries = toolkit / ('lib64' if (toolkit / 'lib64').exists() else 'lib')
    for pattern in ('libcudart*', 'libcudadevrt.a', 'libculibos.a', 'stubs/libcuda.so'):
        for file in libraries.glob(pattern):
            copy(file, target / 'lib64' / file.relative_to(libraries))
    platform = target / 'targets/x86_64-linux'
    platform.mkdir(parents=True, exist_ok=True)
    for link, folder in (('include', 'include'), ('lib', 'lib64')):
        if not (platform / link).is_symlink():
            (platform / link).symlink_to('../../' + folder)
    site = bare.run('python3 -c "import sysconfig; print(sysconfig.get_paths()[\'purelib\'])"')[1].strip()
    wheels = bare.root / site[1:] / 'nvidia'
    shutil.rmtree(wheels, ignore_errors=True)
    counts = {}
    for name in ('cudnn', 'cublas'):
        # libNAME.so.9 alone, neither the link without a version nor libNAME.so.9.1.
        files = [f for f in libraries.glob('lib%s*.so.*' % name) if f.name.split('.so.')[1].isdigit()]
        for file in [*files, *toolkit.glob('include/%s*.h' % name)]:
            kind = 'include' if file.suffix == '.h' else 'lib'
            folder = 'cudnn' if name == 'cudnn' else 'cu' + files[0].name.split('.so.')[1]
            copy(file, wheels / folder / kind / file.name)
            counts[folder, kind] = counts.get((folder, kind), 0) + 1
    if len(counts) != 4:
        skip('no cuDNN or cuBLAS beside nvcc: %s' % counts)


def add_sources(root):
    target = root / 'cawe'
    shutil.rmtree(target, ignore_errors=True)
    if (SOURCE / '.git').exists():
        names = output('git', '-C', str(SOURCE), 'ls-files', '-co', '--exclude-standard').splitlines()
    else:
        names = [str(f.relative_to(SOURCE)) for folder in SOURCE.iterdir() if folder.name != 'build'
                 for f in ([folder] if folder.is_file() else folder.rglob('*'))]
    for name in names:
        if (SOURCE / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE / name, target / name)
    # What --prepare packs into the archive.
    subprocess.run([target / 'scripts/gpu-build', '--third-party'], check=True)
    packed = root / 'tmp/third_party.tar.xz'
    subprocess.run(['tar', '-C', target / 'build/gpu-check', '-cJf', packed, 'third_party'], check=True)
    return packed.stat().st_size / 1e6


class Checks:
    failed = 0

    def that(self, holds, what, text=''):
        print(('ok    ' if holds else 'FAILS ') + what, flush=True)
        if not holds:
            self.failed += 1
            print(text[-4000:], flush=True)
        return holds


def check_start(checks, bare):
    """Every program that was built is started, and says that there is no GPU."""
    names = sorted(p.name for p in (bare.root / 'cawe/build/gpu-check/bin').iterdir())
    for name in names:
        code, text = bare.run('LD_LIBRARY_PATH= timeout 300 build/gpu-check/bin/' + name)
        said = 'no GPU' in text or 'no NVIDIA driver is loaded' in text
        expected = 1 if name.endswith('_on_gpu') else 77  # GoogleTest's programs fail
        checks.that(said and code == expected, '%s starts and finds no GPU (exit %d)' % (name, code), text)


def check_carried(checks, bare, build):
    """Programs of a usual build here, with what is packed with them."""
    if not all(list(build.rglob(name)) for name in ('cawe', 'cawe_device_cases')):
        print('nothing carried: %s has no cawe and cawe_device_cases' % build)
        return
    carried = bare.root / 'cawe/build/carried'
    packed = subprocess.run([SOURCE / 'scripts/gpu-build', '--carry', build, carried, 'cawe', 'cawe_device_cases'],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    checks.that(packed.returncode == 0, 'what they want of glibc and of GCC: ' + ', '.join(packed.stdout.splitlines()), packed.stdout)
    site = bare.run('python3 -c "import sysconfig; print(sysconfig.get_paths()[\'purelib\'])"')[1].strip()
    vendors = ':'.join(str(pathlib.Path('/') / f.relative_to(bare.root)) for f in (bare.root / site[1:]).glob('nvidia/*/lib'))
    for command, expected, said in (('cawe kernels', 0, 'softmax'), ('cawe_device_cases --count', 0, ''), ('cawe_device_cases', 77, 'no GPU')):
        code, text = bare.run('LD_LIBRARY_PATH=%s:build/carried/lib timeout 60 build/carried/bin/%s' % (vendors, command))
        checks.that(code == expected and said in text, '%s, carried, starts (exit %d)' % (command, code), text)
    # The machine's own libraries are not what they take.
    code, text = bare.run('LD_LIBRARY_PATH=%s timeout 60 build/carried/bin/cawe kernels' % vendors)
    checks.that(code == 127 and 'cannot open shared object' in text, 'without what is carried beside it, it does not', text)


def check_choice(checks, bare, whole):
    """A machine that says it has a card: are the programs kept or built anew, and does it say why? Without `whole` a build
    is only begun, and copies stand for the programs that were left out."""
    folder = bare.root / 'cawe/build/gpu-check/bin'
    names = re.search('programs="(.*?)"', (SOURCE / 'scripts/gpu-check').read_text(), re.S).group(1).split()
    some = next(folder.iterdir())
    for name in names:
        if not (folder / name).exists():
            shutil.copy2(some, folder / name)
    smi = bare.root / 'usr/local/bin/nvidia-smi'
    smi.parent.mkdir(parents=True, exist_ok=True)

    def part(card, seconds=1):
        smi.write_text('#!/bin/sh\ncase "$*" in *compute_cap*) echo %s ;; *) echo "a card" ;; esac\n' % card)
        smi.chmod(0o755)
        bare.environment['CAWE_GPU_BUILD_SECONDS'] = str(seconds)
        code, text = bare.run('scripts/gpu-check --part cases')
        checks.that(code == 1 and 'gpu-check: cases' in text, 'the part runs, and fails without a card', text)
        return text

    text = part('9.0')
    checks.that('are built here' not in text, 'programs that fit are kept', text)
    text = part('8.0')
    said = 'they are for sm_90, the card is sm_80' in text
    checks.that(said and (folder / names[0]).exists(), 'programs for another card are not', text)
    first = folder / names[0]
    kept = first.read_bytes()
    first.write_bytes(kept.replace(b'libcudnn.so.9\0', b'libcudnn.so.8\0'))
    text = part('9.0')
    checks.that('libcudnn.so.8 => not found' in text, 'nor programs that do not start', text)
    first.unlink()
    text = part('9.0', 900 if whole else 1)
    checks.that(names[0] + ' is missing' in text, 'nor those of which one is missing', text)
    if whole:
        checks.that('%d programs for sm_90, exit 0' % len(names) in text and first.exists(), 'they are built again', text)
    smi.unlink()


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--root', type=pathlib.Path)
    parser.add_argument('--cxx')
    parser.add_argument('--carried', type=pathlib.Path)
    parser.add_argument('--no-ccache', action='store_true')
    parser.add_argument('targets', nargs='*')
    options = parser.parse_intermixed_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('stopped'))  # so that what runs in the folder ends, too
    nvcc = shutil.which('nvcc') or shutil.which('nvcc', path='/usr/local/cuda/bin')
    if nvcc is None:
        skip('no nvcc')
    for path, package in (('/usr/src/googletest', 'googletest'), ('/usr/include/nlohmann', 'nlohmann-json3-dev')):
        if not pathlib.Path(path).exists():
            skip('no %s (package %s)' % (path, package))
    if options.root is None and shutil.which('apt-cache') is None:
        skip('no Debian or Ubuntu, and no --root')
    namespaces = new_namespaces()
    start = time.monotonic()
    root = (options.root or options.folder / 'root').resolve()
    bare = Bare(root, namespaces)
    if 'CAWE_JOBS' in os.environ:
        bare.environment['CAWE_JOBS'] = os.environ['CAWE_JOBS']
    ccache = [] if options.no_ccache or options.root or not shutil.which('ccache') else ['ccache']
    if options.root is None:
        shutil.rmtree(root, ignore_errors=True)
        print('%d packages' % make_root(root, PACKAGES + ccache))
    checks = Checks()
    there = [name for name in FOREIGN for folder in ('usr/include', 'usr/local/include', 'usr/include/x86_64-linux-gnu')
             if (root / folder / name).exists()]
    checks.that(not there, 'the root folder has no library of ours', str(there))
    add_toolkit(bare, pathlib.Path(nvcc).resolve().parents[1])
    megabytes = add_sources(root)
    if ccache:
        cache = options.folder.resolve() / 'ccache'
        cache.mkdir(exist_ok=True)
        (root / 'ccache').mkdir()
        bare.mounts = [(cache, 'ccache')]
        bare.environment['CCACHE_DIR'] = '/ccache'
    if options.cxx:
        bare.environment.update(CXX=options.cxx, CC=options.cxx.replace('g++', 'gcc'), CUDAHOSTCXX=options.cxx)
    for command in ('scripts/gpu-check', 'scripts/gpu-check --build'):
        code, text = bare.run(command)
        checks.that(code == 77 and 'no NVIDIA GPU here' in text, command + ' says that there is no GPU (77)', text)
    if options.carried:
        check_carried(checks, bare, options.carried.resolve())
    bare.environment['CAWE_GPU_BUILD_SECONDS'] = '3000'
    begin, processor = time.monotonic(), processor_seconds()
    code, text = bare.run('scripts/gpu-check --build 90 ' + ' '.join(options.targets))
    built, processor = time.monotonic() - begin, processor_seconds() - processor
    log = root / 'cawe/build/gpu-check/results/build.txt'
    checks.that(code == 0, 'scripts/gpu-check --build 90', text + log.read_text()[-3000:])
    if code == 0:
        check_start(checks, bare)
        check_choice(checks, bare, not options.targets)
    print('%s%s: the build took %.1f minutes on %d cores (%.1f of one core\'s time), all %.1f; sources of others %.2f MB packed' %
          (bare.run('${CXX:-g++} --version')[1].splitlines()[0], ' and ccache' if ccache else '', built / 60, os.cpu_count(),
           processor / 60, (time.monotonic() - start) / 60, megabytes))
    archive = SOURCE / 'build/gpu-check.tar.xz'
    if archive.exists():
        print('the prepared archive: %.1f MB' % (archive.stat().st_size / 1e6))
    sys.exit(1 if checks.failed else 0)


if __name__ == '__main__':
    main()
