#!/usr/bin/env python3
"""Measurements that say when they wrote: each measured value is the time (s since 1970) just before it was committed.

usage: writer.py KIND TARGET [--points N] [--interval S] [--fill MIB] [--name TEXT] [--pause POINT]
KIND: qcodes (TARGET: database), quantify, labber (data folder), core_tools (connection string), swmr, csv (folder of the
      dataset). --fill makes the file this large beforehand; --interval 0: as fast as it goes.
Prints {"start"}, waits for a line on stdin, and prints {"busy": how long writing each point took, s; "stamps": values;
"written": bytes}.
"""
import argparse
import datetime
import json
import os
import pathlib
import select
import sys
import time
import uuid

import numpy as np

cli = argparse.ArgumentParser()
cli.add_argument("kind")
cli.add_argument("target")
cli.add_argument("--points", type=int, default=200)
cli.add_argument("--interval", type=float, default=0.05)
cli.add_argument("--fill", type=float, default=0)
cli.add_argument("--name", default="live run")
cli.add_argument("--pause", type=int, help="wait for another line on stdin before this point")
o = cli.parse_args()
FILL = int(o.fill * 2**20 / 8)


def written():
    """Bytes that this process has written to files."""
    with open("/proc/self/io") as io:
        return int(dict(line.split(": ") for line in io.read().splitlines())["wchar"])


BEFORE = [0]


def begin():
    BEFORE[0] = written()
    print(json.dumps({"start": time.time()}), flush=True)
    sys.stdin.readline()


STAMPS = []


def stamp():
    """The value of a point."""
    STAMPS.append(time.time())
    return STAMPS[-1]


BUSY = []


def points():
    """Numbers of the points, each at its time; how long writing one took is kept in BUSY."""
    due = time.time()
    for k in range(o.points):
        if k == o.pause:
            sys.stdin.readline()
            due = time.time()
        if o.interval:
            due += o.interval
            time.sleep(max(0, due - time.time()))
        begun = time.perf_counter()
        yield k
        BUSY.append(time.perf_counter() - begun)


def qcodes():
    os.environ["QCODES_DISABLE_TELEMETRY"] = "1"
    from qcodes.dataset import Measurement, initialise_or_create_database_at, load_or_create_experiment

    initialise_or_create_database_at(o.target, journal_mode="WAL")
    exp = load_or_create_experiment("live", sample_name="bench")

    def measurement(name, paramtype):
        m = Measurement(exp=exp, name=name)
        m.register_custom_parameter("x")
        m.register_custom_parameter("stamp", setpoints=["x"], paramtype=paramtype)
        m.write_period = 0.001
        return m

    if FILL:
        with measurement("filling", "array").run() as saver:
            for k in range(0, FILL, 2**17):
                saver.add_result(("x", float(k)), ("stamp", np.random.default_rng(k).normal(size=2**17)))
    with measurement(o.name, "numeric").run() as saver:
        begin()
        for k in points():
            saver.add_result(("x", float(k)), ("stamp", stamp()))
            saver.flush_data_to_database()


def quantify():
    """The file of quantify-core, rewritten in full at every update (its default: each 0.5 s)."""
    import xarray as xr

    now = datetime.datetime.now()
    tuid = now.strftime("%Y%m%d-%H%M%S-") + f"{now.microsecond // 1000:03d}-" + uuid.uuid4().hex[:6]
    container = pathlib.Path(o.target, tuid[:8], f"{tuid}-{o.name}")
    container.mkdir(parents=True)
    total = max(o.points, FILL // 2)
    facts = lambda name: dict(name=name, long_name=name, units="s", batched=False)
    ds = xr.Dataset({"y0": ("dim_0", np.full(total, np.nan), facts("stamp"))},
                    coords={"x0": ("dim_0", np.arange(float(total)), facts("x"))},
                    attrs=dict(tuid=tuid, name=o.name, grid_2d=False, grid_2d_uniformly_spaced=False))
    write = lambda: ds.to_netcdf(container / "dataset.hdf5", engine="h5netcdf", invalid_netcdf=True)
    write()
    begin()
    for k in points():
        ds.y0.values[k] = stamp()
        write()


def labber():
    import h5py

    sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "python"))
    sys.argv = sys.argv[:1]
    from make_labber_cases import write_log

    day = datetime.datetime.now().strftime("%Y/%m/Data_%m%d")
    folder = pathlib.Path(o.target, day)
    folder.mkdir(parents=True, exist_ok=True)
    done = max(1, FILL // 2)
    with h5py.File(folder / f"{o.name}.hdf5", "w") as h:
        h.attrs["log_name"], h.attrs["creation_time"], h.attrs["comment"], h.attrs["star"] = o.name, time.time(), "", False
        tags = h.create_group("Tags")
        for key in ("Tags", "Project", "User"):
            tags.attrs[key] = np.array([""], h5py.string_dtype())
        x = np.arange(float(done)).reshape(1, -1)
        write_log(h, ["X"], [("X", "", x), ("stamp", "", np.zeros_like(x))], ["stamp"], completed=False,
                  planned=done + o.points)
        del h["Data/Time stamp"]
        stamps = h.create_dataset("Data/Time stamp", data=np.arange(float(done)), maxshape=(None,))
        data = h["Data/Data"]
        h.flush()
        begin()
        for k in points():
            data.resize(done + k + 1, 2)
            stamps.resize(done + k + 1, 0)
            data[0, :, done + k] = [done + k, stamp()]
            stamps[done + k] = done + k
            h.flush()
        h["Data"].attrs["Completed"] = True


def swmr():
    import h5py

    pathlib.Path(o.target).mkdir(parents=True, exist_ok=True)
    pathlib.Path(o.target, "_QH_dataset_info.yaml").write_text("live: true\n")
    with h5py.File(pathlib.Path(o.target, f"{o.name}.h5"), "w", libver="v110") as h:
        if FILL:
            h["filling"] = np.random.default_rng(1).normal(size=FILL)
        x = h.create_dataset("x", shape=(0,), maxshape=(None,), dtype="f8", chunks=(1024,), fillvalue=np.nan)
        values = h.create_dataset("stamp", shape=(0,), maxshape=(None,), dtype="f8", chunks=(1024,), fillvalue=np.nan)
        x.make_scale("x")
        values.dims[0].attach_scale(x)
        h.swmr_mode = True
        begin()
        for k in points():
            x.resize((k + 1,))
            values.resize((k + 1,))
            x[k], values[k] = k, stamp()
            x.flush()
            values.flush()


def csv():
    pathlib.Path(o.target).mkdir(parents=True, exist_ok=True)
    pathlib.Path(o.target, "_QH_dataset_info.yaml").write_text("live: true\n")
    with open(pathlib.Path(o.target, f"{o.name}.csv"), "w") as f:
        f.write("x,stamp\n")
        for k in range(FILL // 4):
            f.write(f"{k},0.123456789012\n")
        f.flush()
        BEFORE[0] = written()
        print(json.dumps({"start": time.time()}), flush=True)
        rows = FILL // 4
        while not select.select([sys.stdin], [], [], 0.2)[0]:  # a table is followed because it grows
            f.write(f"{rows},0.5\n")
            f.flush()
            rows += 1
        for k in points():
            f.write(f"{rows + k},{stamp()!r}\n")
            f.flush()


def core_tools():
    import psycopg2

    connection = psycopg2.connect(o.target)
    cursor = connection.cursor()
    start = time.time()
    uid = int(start * 1000) * 1000000 + os.getpid() % 1000000
    total = max(o.points, FILL // 2)
    ids = [uid + 1, uid + 2]
    cursor.execute("insert into global_measurement_overview (uuid,set_up,project,sample,creasted_by,exp_name,sync_location,"
                   "exp_data_location,start_time,snapshot,keywords) values (%s,'Fridge 1','bench','sample',current_user,%s,"
                   "'New measurement_parameters','',to_timestamp(%s),'{}','[]') returning id", (uid, o.name, start))
    oids = []
    for i, name in enumerate(["stamp", "x"]):
        large = connection.lobject(0, "w")
        oids.append(large.oid)
        cursor.execute(
            "insert into measurement_parameters (exp_uuid,param_index,param_id,nth_set,nth_dim,param_id_m_param,setpoint,"
            "setpoint_local,name_gobal,name,label,unit,depencies,shape,write_cursor,total_size,oid) "
            "values (%s,%s,%s,0,%s,%s,%s,false,%s,%s,%s,'s',%s,%s,0,%s,%s)",
            (uid, i, ids[i], i - 1, ids[0], i > 0, name, name, name, json.dumps(ids[1:] if i == 0 else []),
             json.dumps([total]), total, large.oid))
    connection.commit()
    begin()
    for k in points():
        for i, value in enumerate([stamp(), float(k)]):
            large = connection.lobject(oids[i], "w")
            large.seek(8 * k)
            large.write(np.float64(value).tobytes())
            cursor.execute("update measurement_parameters set write_cursor=%s where exp_uuid=%s and param_index=%s", (k + 1, uid, i))
        cursor.execute("update global_measurement_overview set data_synchronized=false, "
                       "data_update_count=data_update_count+1 where uuid=%s", (uid,))
        connection.commit()
    cursor.execute("update global_measurement_overview set stop_time=to_timestamp(%s), completed=true where uuid=%s", (time.time(), uid))
    connection.commit()


{"qcodes": qcodes, "quantify": quantify, "labber": labber, "swmr": swmr, "csv": csv, "core_tools": core_tools}[o.kind]()
print(json.dumps({"busy": BUSY, "stamps": STAMPS, "written": written() - BEFORE[0]}), flush=True)
