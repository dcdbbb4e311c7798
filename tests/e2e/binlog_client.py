# SPDX-License-Identifier: Apache-2.0
"""A client that reads a server's binary log as a replica does, and acknowledges it if it is told to."""
import contextlib
import struct
import threading

import pymysql

COM_BINLOG_DUMP = 0x12
HEADER_BYTES, ROTATE = 19, 4
NEEDS_ACKNOWLEDGEMENT = b"\xef\x01"


class BinlogClient:
    """From where the server is now. Reads on a thread of its own until the server ends it or `close`."""

    def __init__(self, home, address, user, password, server_id, semi_sync):
        self.semi_sync = semi_sync
        self.events = self.acknowledged = 0
        self.connection = home.connect(address, user=user, password=password, read_timeout=60)
        with self.connection.cursor() as cursor:
            cursor.execute("SET @source_binlog_checksum = 'NONE', @master_binlog_checksum = 'NONE'")
            if semi_sync:
                cursor.execute("SET @rpl_semi_sync_replica = 1, @rpl_semi_sync_slave = 1")
            cursor.execute("SELECT CONNECTION_ID()")
            self.id = cursor.fetchone()[0]
            cursor.execute("SHOW BINARY LOG STATUS")
            self.file, position = cursor.fetchone()[:2]
        self.connection._execute_command(COM_BINLOG_DUMP,  # pylint: disable=protected-access
                                         struct.pack("<IHI", position, 0, server_id) + self.file.encode())
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        with contextlib.suppress(pymysql.err.MySQLError, OSError, ValueError, AttributeError):
            while True:
                data = self.connection._read_packet().get_all_data()[1:]  # pylint: disable=protected-access
                asked = self.semi_sync and data[:2] == NEEDS_ACKNOWLEDGEMENT
                event = data[2:] if self.semi_sync and data[:1] == NEEDS_ACKNOWLEDGEMENT[:1] else data
                self.events += 1
                if event[4] == ROTATE:
                    self.file = event[HEADER_BYTES + 8:].decode(errors="replace").rstrip("\0")
                if asked:
                    end, = struct.unpack_from("<I", event, 13)
                    self.connection._next_seq_id = 0  # pylint: disable=protected-access
                    self.connection.write_packet(b"\xef" + struct.pack("<Q", end) + self.file.encode())
                    self.acknowledged += 1

    def is_ended(self):
        return not self.thread.is_alive()

    def close(self):
        with contextlib.suppress(Exception):
            self.connection._force_close()  # pylint: disable=protected-access
        self.thread.join(10)
