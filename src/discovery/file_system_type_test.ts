import { assertEquals } from "../../tests/assert.ts";
import { mountedType, silentFileSystem } from "./file_system_type.ts";

const MOUNTS = `/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /mnt/lab nfs4 rw,vers=4.2 0 0
//server/share /mnt/my\\040share cifs rw 0 0
tmpfs /mnt/lab/local tmpfs rw 0 0
systemd-1 /auto autofs rw 0 0
server:/auto /auto nfs rw 0 0
me@host: /home/me/remote fuse.sshfs rw 0 0
/dev/sdb1 /media/usb fuseblk rw 0 0
`;

Deno.test("the longest mount point that holds a path decides, the last of equal ones", () => {
  const cases: [string, string][] = [
    ["/home/me/data", "ext4"],
    ["/mnt/lab", "nfs4"],
    ["/mnt/lab/2026", "nfs4"],
    ["/mnt/laboratory", "ext4"],
    ["/mnt/lab/local/x", "tmpfs"],
    ["/mnt/my share/x", "cifs"],
    ["/auto/x", "nfs"],
  ];
  for (const [path, type] of cases) assertEquals(mountedType(MOUNTS, path), type, path);
});

Deno.test({
  name: "network file systems give no events, local ones do",
  ignore: Deno.build.os !== "linux",
  fn() {
    const fs = { readTextFileSync: () => MOUNTS };
    assertEquals(silentFileSystem("/mnt/lab/2026", fs), "nfs4");
    assertEquals(silentFileSystem("/home/me/remote/x", fs), "fuse.sshfs");
    assertEquals(silentFileSystem("/media/usb/x", fs), undefined);
    assertEquals(silentFileSystem("/home/me", fs), undefined);
  },
});
