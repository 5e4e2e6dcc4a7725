/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/writer.h"

G_BEGIN_DECLS

/**
 * WeirRtmpHandshake:
 *
 * Server side of the RTMP handshake (RTMP 1.0, 5.2), simple and digest form, pure. Random bytes and
 * time are given at the start. S0, S1 and S2 are put out together as soon as C1 is complete; C2 is
 * awaited for its length only, its content is not checked.
 *
 * The digest form (in no specification) is answered in the client's schema when C1 has a version
 * word and a digest that validates; everything else gets the simple form, where S2 equals C1. A
 * version from 0 to 31 that is not 3 is answered with 3, as 5.2.2 wants; it fails when its number
 * is RTMPE's (6, 8) or begins another protocol, and from 32 on. TLS is then answered with an alert
 * and HTTP with status 400.
 */
typedef struct _WeirRtmpHandshake WeirRtmpHandshake;

typedef enum {
  WEIR_RTMP_HANDSHAKE_MORE, /* wants more bytes */
  WEIR_RTMP_HANDSHAKE_DONE,
  WEIR_RTMP_HANDSHAKE_FAILED, /* not RTMP: see weir_rtmp_handshake_get_hint() */
} WeirRtmpHandshakeResult;

/* @random: (array fixed-size=1528): fresh random bytes; @time_ms: what S1 says */
WeirRtmpHandshake *weir_rtmp_handshake_new (const guint8 *random, guint32 time_ms);
void weir_rtmp_handshake_free (WeirRtmpHandshake *self);
/**
 * weir_rtmp_handshake_input:
 * @consumed: (out): how much of @data was taken; all of it unless the result is DONE
 * @output: what is to be sent is appended
 */
WeirRtmpHandshakeResult weir_rtmp_handshake_input (
    WeirRtmpHandshake *self, const guint8 *data, gsize size, gsize *consumed, WeirWriter *output);
/* Returns: (transfer none): after FAILED, what the first bytes look like, for the log:
 * "TLS on the plain port (use rtmps://)", "HTTP on the RTMP port", "PROXY header on the RTMP port",
 * "RTMPE", "version 255" */
const gchar *weir_rtmp_handshake_get_hint (WeirRtmpHandshake *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirRtmpHandshake, weir_rtmp_handshake_free)

G_END_DECLS
