"""Checks netCDF-4 files the way a scientist would meet them: xarray opens each with its h5netcdf and netcdf4 engines,
both say the same, and what xarray itself writes from it has the same structure.

    python check_netcdf.py FILE…                 every file alone
    python check_netcdf.py --same A B            A and B are identical to xarray (values, dims, coordinates, attributes)

Exit code 0 when all is well; each finding is one line on stdout. Needs xarray, h5netcdf, netCDF4, h5py, numpy.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

warnings.simplefilter("ignore")

BOOKKEEPING = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_NCProperties", "_Netcdf4Dimid",
               "_Netcdf4Coordinates"}


def groups_of(path):
    names = [""]
    with h5py.File(path) as file:
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Group) else None)
    return names


def open_with(path, engine, group):
    with xr.open_dataset(path, engine=engine, group=group or None) as dataset:
        complex_names = [name for name, variable in dataset.variables.items() if variable.dtype.kind in "cV"]
        return dataset.load(), complex_names


def structure(path, group):
    """What readers other than xarray see: dimension scales, `coordinates`, fill values, types of attributes."""
    with h5py.File(path) as file:
        node = file[group or "/"]
        found = {"": describe_attributes(node)}
        for name, item in node.items():
            if isinstance(item, h5py.Dataset):
                scales = [[Path(scale.name).name for scale in axis.values()] for axis in item.dims]
                name = name.replace("_nc4_non_coord_", "")
                if group and is_bare_dimension(item):
                    continue  # may be inherited from the group around it
                found[name] = {"dtype": item.dtype.newbyteorder("=").str, "scales": scales,
                               "scale_name": item.attrs.get("NAME"), **describe_attributes(item)}
        return found


def is_bare_dimension(item):
    return bytes(item.attrs.get("NAME", b"")).startswith(b"This is a netCDF dimension but not a netCDF variable")


def describe_attributes(item):
    result = {}
    for name in sorted(set(item.attrs) - BOOKKEEPING):
        value = item.attrs[name]
        kind = "text" if isinstance(value, str) or getattr(value, "dtype", np.dtype("f8")).kind == "O" \
            else (value.dtype.str, value.shape)
        result[f"@{name}"] = (kind, repr(value)) if name in ("coordinates", "_FillValue") else kind
    return result


def check_group(path, group):
    ours, complex_names = open_with(path, "h5netcdf", group)
    other, _ = open_with(path, "netcdf4", group)
    xr.testing.assert_identical(ours.drop_vars(complex_names), other.drop_vars(complex_names))
    if [*ours.variables] != [*other.variables]:
        raise AssertionError(f"order of variables: {[*ours.variables]} != {[*other.variables]}")
    if any(
            len(set(v.dims)) < v.ndim for v in ours.variables.values()):
        return  # xarray itself can not write a dimension used twice by one variable
    for variable in ours.variables.values():
        variable.encoding.pop("coordinates", None)
    ours.encoding.pop("coordinates", None)
    with tempfile.TemporaryDirectory() as folder:
        theirs = Path(folder) / "xarray.nc"
        ours.to_netcdf(theirs, engine="h5netcdf", group=group or None)
        again, _ = open_with(theirs, "h5netcdf", group)
        xr.testing.assert_identical(ours, again)
        a, b = structure(path, group), structure(theirs, group)
        for name in sorted({*a, *b}):
            if a.get(name) != b.get(name):
                raise AssertionError(f"{name or 'attributes'}: ours {a.get(name)}, xarray's {b.get(name)}")


def check_same(first, second):
    for group in sorted({*groups_of(first), *groups_of(second)}):
        a, _ = open_with(first, "h5netcdf", group)
        b, _ = open_with(second, "h5netcdf", group)
        xr.testing.assert_identical(a, b)


def attempt(label, check):
    try:
        check()
    except Exception as error:
        print(f"{label}: {type(error).__name__}: {error}")
        return False
    return True


def main(arguments):
    if arguments[:1] == ["--same"]:
        good = attempt(" and ".join(arguments[1:]), lambda: check_same(*arguments[1:3]))
    else:
        good = all([attempt(f"{path}{group and ' group ' + group}", lambda: check_group(path, group))
                    for path in arguments for group in groups_of(path)])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
