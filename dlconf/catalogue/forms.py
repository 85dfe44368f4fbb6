"""What the text of a field must look like, where its type does not say it."""

from __future__ import annotations

from collections.abc import Mapping

_CAPABILITY = (r"\d+\.\d", 'a compute capability such as "8.6"')
_VERSION = (r"\d+(\.[0-9A-Za-z]+)*", 'a version such as "12.8.1"')
_BRANCH = (r"\d{2,3}", 'a driver branch such as "580"')
_ID = (r"[0-9a-f]{4}", "four lower-case hex digits")
_DISTRO = (r"(ubuntu|debian)\d+", 'a distro such as "ubuntu2204"')
_URL = (r"https?://\S+", "a URL")
_CHECKSUM = (
    r"(sha256:([0-9a-f]{64}|https://\S+)|md5:([0-9a-f]{32}|https://\S+))",
    '"sha256:<64 hex digits>", "md5:<32 hex digits>" or either with the https URL of a list',
)
# Names that become words of a command line begin with no "-", so none is taken for an option.
_PACKAGE = (r"[a-z0-9][a-z0-9+.-]*", 'the name of a package such as "cuda-toolkit-12-8"')
_PACKAGE_VERSION = (
    r"[0-9A-Za-z][0-9A-Za-z.+:~*-]*",
    'a version of packages such as "12.8.1-*"',
)
_DISTRIBUTION = (r"[A-Za-z0-9][A-Za-z0-9._-]*", 'the name of a distribution such as "torch"')
_REQUIREMENT = (
    r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._,-]+\])?([<>=!~]=?=?[A-Za-z0-9.+*!,<>=~]+)?",
    'a requirement such as "torch==2.14.1"',
)
_FILE = (r"[A-Za-z0-9][A-Za-z0-9._+-]*", 'the name of a file such as "cuda-keyring_1.1-1_all.deb"')


def _words(*words: str) -> tuple[str, str]:
    return "|".join(words), "one of " + ", ".join(words)


# "Class.field", or "field" for every class -> (a pattern for the whole text, what is expected)
FORMS: Mapping[str, tuple[str, str]] = {
    "source": (
        r"(?s)(?!@).*\S.*",
        "where the facts come from, or @ID of the file's sources section",
    ),
    "Architecture.kernel_modules": _words("proprietary", "both", "open"),
    "Architecture.compute_capabilities": _CAPABILITY,
    "Architecture.last_driver_branch": _BRANCH,
    "Gpu.id": _ID,
    "Gpu.compute_capability": _CAPABILITY,
    "Gpu.gpu_class": _words("geforce", "workstation", "datacenter", "cmp", "embedded", "other"),
    "Gpu.kernel_modules": _words("proprietary", "both", "open"),
    "Gpu.last_branch": _BRANCH,
    "Gpu.host_architecture": _words("aarch64"),
    "Vgpu.device": _ID,
    "Gpu.min_driver": _VERSION,
    "DeviceIdBand.first": _ID,
    "DeviceIdBand.last": _ID,
    "DeviceIdBand.last_driver_branch": _BRANCH,
    "DriverBranch.branch": _BRANCH,
    "DriverBranch.latest_version": _VERSION,
    "DriverBranch.type": _words("production", "new_feature", "long_term", "legacy", "unknown"),
    "DriverBranch.end_of_life": (
        r"\d{4}-(0[1-9]|1[0-2])|unmaintained",
        '"YYYY-MM" or unmaintained',
    ),
    "DriverBranch.flavours": _words("proprietary", "open"),
    "DriverBranch.cuda": _VERSION,
    "DriverBranch.min_compute_capability": _CAPABILITY,
    "DriverPackage.os": (r"(ubuntu|debian)-\S+", 'an operating system such as "ubuntu-22.04"'),
    "DriverPackage.branch": _BRANCH,
    "DriverPackage.source_name": _words("ppa", "distribution", "nvidia"),
    "DriverPackage.flavour": _words("proprietary", "open"),
    "DriverPackage.variant": _words("desktop", "server", "tesla"),
    "DriverPackage.transitional_to": (
        r"\d{3}(-open)?|unknown",
        'a branch such as "580" or "615-open", or unknown',
    ),
    "DriverPackage.packages": _PACKAGE,
    "DriverPackage.pin_package": _PACKAGE,
    "DriverPackage.dkms_module": _FILE,
    "Distro.id": _DISTRO,
    "Distro.keyring": _FILE,
    "CudaRelease.version": _VERSION,
    "CudaRelease.release": (r"\d+\.\d+", 'a release such as "12.8"'),
    "CudaRelease.packages": _PACKAGE,
    "CudaRelease.package_version": _PACKAGE_VERSION,
    "CudaRelease.min_driver_native": _VERSION,
    "CudaRelease.min_driver_minor_compat": _VERSION,
    "CudaRelease.distros": _DISTRO,
    "CudaLocalRepo.distro": _DISTRO,
    "CudaLocalRepo.package": _PACKAGE,
    "CudaLocalRepo.url": _URL,
    "CudaLocalRepo.checksum": _CHECKSUM,
    "CudaLocalRepo.md5_list": _URL,
    "CudnnBuild.version": _VERSION,
    "CudnnBuild.packages": _PACKAGE,
    "CudnnBuild.package_version": _PACKAGE_VERSION,
    "CudnnBuild.pip": _REQUIREMENT,
    "CudnnBuild.min_compute_capability": _CAPABILITY,
    "CudnnBuild.min_driver": _VERSION,
    "CudnnLocalRepo.distro": _DISTRO,
    "CudnnLocalRepo.package": _PACKAGE,
    "CudnnLocalRepo.url": _URL,
    "CudnnLocalRepo.checksum": _CHECKSUM,
    "FrameworkBuild.device": _words("cuda", "cpu", "any"),
    "FrameworkBuild.requirements": _REQUIREMENT,
    "FrameworkBuild.system_cuda_requirements": _REQUIREMENT,
    "FrameworkBuild.requirements_below_cc_7_5": _REQUIREMENT,
    "FrameworkBuild.packages": _DISTRIBUTION,
    "FrameworkBuild.companions": _DISTRIBUTION,
    "FrameworkBuild.module": (r"([A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?", "the name of a Python module"),
    "FrameworkBuild.index_url": _URL,
    "FrameworkBuild.find_links_url": _URL,
    "FrameworkBuild.python": (r"\d+\.\d+", 'versions such as "3.12"'),
    "FrameworkBuild.min_compute_capability": _CAPABILITY,
    "FrameworkBuild.min_driver": _VERSION,
    "FrameworkBuild.glibc": _VERSION,
    "FrameworkBuild.aarch64": _words("cuda", "cpu"),
    "KernelBuild.branch": _BRANCH,
    "KernelBuild.packaging": _words("nvidia", "debian"),
    "KernelBuild.version": (r"\d+(\.\d+)+(-\d[0-9a-z.+~]*)?", 'a version such as "550.163.01-2"'),
    "KernelBuild.kernel": (r"\d+\.\d+", 'a series of kernels such as "6.12"'),
    "PythonVersion.released": (r"\d{4}-\d{2}-\d{2}", '"YYYY-MM-DD"'),
    "Sighting.versions": (
        r"([=<>!~]=|[<>])[^,]+(,([=<>!~]=|[<>])[^,]+)*",
        'a specifier such as ">=2.4,<3"',
    ),
    "Sighting.compute_capability": _CAPABILITY,
    "CondaInstaller.distribution": _words("miniforge", "miniconda", "anaconda"),
    "CondaInstaller.url": _URL,
    "CondaInstaller.checksum": _CHECKSUM,
    "HostTrap.cuda_max": _VERSION,
    "HostTrap.glibc_min": _VERSION,
    "Meta.as_of": (r"\d{4}-\d{2}-\d{2}", '"YYYY-MM-DD"'),
}
