#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes live HLS, in a folder that any web server can serve, of what an RTMP encoder publishes.

    python3 live_folder.py PORT KEY FOLDER

Plain GStreamer from Python (Debian packages python3-gi and gir1.2-gstreamer-1.0); Weir's plugin is
found by its folder in GST_PLUGIN_PATH, unless it is installed with the others. The program ends when
the publisher leaves, or with Ctrl-C, and prints what was counted as JSON.
"""

import json
import os
import sys

import gi

gi.require_version('Gst', '1.0')
from gi.repository import Gst  # noqa: E402


def statistics(element):
    """The element's counters as a dictionary."""
    stats = element.get_property('stats')
    return {name: stats.get_value(name)
            for name in (stats.nth_field_name(i) for i in range(stats.n_fields()))}


def on_pad_added(_source, pad, sink):
    """A track has come (on the thread that brings its media): it gets a pad of the sink's."""
    kind = pad.get_name().split('_')[0]  # video_0, audio_0
    target = sink.request_pad_simple(f'{kind}_%u')
    if pad.link(target) != Gst.PadLinkReturn.OK:
        sink.release_request_pad(target)
        print(f'{pad.get_name()} cannot be taken', file=sys.stderr)


def wait(bus, source, sink):
    """Until the end; says every second how far it is. Returns the exit status."""
    wanted = Gst.MessageType.ERROR | Gst.MessageType.WARNING | Gst.MessageType.EOS
    while True:
        message = bus.timed_pop_filtered(Gst.SECOND, wanted)
        if message is None:
            print(f"{statistics(source)['frames']} frames in, "
                  f"{statistics(sink)['segments']} segments out", flush=True)
        elif message.type == Gst.MessageType.WARNING:
            print(message.parse_warning()[0].message, file=sys.stderr)
        elif message.type == Gst.MessageType.ERROR:
            print(message.parse_error()[0].message, file=sys.stderr)
            return 1
        else:
            return 0


def main():
    if len(sys.argv) != 4:
        print(f'usage: {sys.argv[0]} PORT KEY FOLDER', file=sys.stderr)
        return 2
    port, key, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    Gst.init(None)

    pipeline = Gst.Pipeline.new(None)
    source = Gst.ElementFactory.make('weirrtmpsrc')
    sink = Gst.ElementFactory.make('weirsegmentsink')
    if source is None or sink is None:
        print("Weir's plugin was not found: is GST_PLUGIN_PATH set?", file=sys.stderr)
        return 1
    source.set_property('port', int(port))
    source.set_property('stream-key', key)
    sink.set_property('location', os.path.join(folder, '%05d.m4s'))
    sink.set_property('playlist-location', os.path.join(folder, 'playlist.m3u8'))
    pipeline.add(source)
    pipeline.add(sink)
    source.connect('pad-added', on_pad_added, sink)

    status = 1
    if pipeline.set_state(Gst.State.PLAYING) != Gst.StateChangeReturn.FAILURE:
        print(f"listening on {statistics(source)['listening']}", flush=True)
    try:
        status = wait(pipeline.get_bus(), source, sink)
    except KeyboardInterrupt:
        status = 0
    counted = {'source': statistics(source), 'sink': statistics(sink)}
    pipeline.set_state(Gst.State.NULL)
    print(json.dumps(counted), flush=True)
    return status


if __name__ == '__main__':
    sys.exit(main())
