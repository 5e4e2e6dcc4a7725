/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/**
 * Weir in other programs: `#include <weir/weir.h>`, `pkg-config --cflags --libs weir-1.0`.
 *
 * Workers, listeners for encoders and the connections that they accept. A program decides who may
 * publish (the signal `authorise` of a #WeirRtmpListener) and gives each accepted connection to a
 * source element of Weir's GStreamer plugin, by the element's property `connection`. The elements
 * are made by name, as any others: they are in the plugin `weir`, whose folder is the variable
 * `pluginsdir` of weir-1.0.pc.
 *
 * Nothing here is stable before version 1.0: names, structures and behaviour may change with every
 * release. The library exports more than these headers declare; all of that is internal.
 */

#include "net/connection.h"
#include "net/worker.h"
#include "rtmp/connection.h"
#include "rtmp/listener.h"
