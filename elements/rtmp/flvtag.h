/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/**
 * Bodies of FLV audio and video tags (Adobe FLV 10.1, E.4.2, E.4.3; the payload of RTMP messages 8
 * and 9), pure. Codec-neutral: Enhanced RTMP headers fill the same structure. Of those, FourCC avc1
 * and mp4a are handled; other codecs, multitrack and ModEx are UNSUPPORTED under their names.
 */
typedef enum {
  WEIR_FLV_CONFIG,      /* a configuration record */
  WEIR_FLV_FRAME,       /* one access unit */
  WEIR_FLV_END,         /* end of sequence */
  WEIR_FLV_IGNORE,      /* nothing that concerns media: command frames, an empty body */
  WEIR_FLV_UNSUPPORTED, /* a codec that is not handled; its name is in @name */
  WEIR_FLV_MALFORMED,
} WeirFlvPacket;

typedef struct {
  WeirFlvPacket packet;
  WeirMediaKind kind;
  WeirCodec codec;         /* CONFIG, FRAME, END */
  guint track_id;          /* 0 but for multitrack */
  gboolean keyframe;       /* FRAME: as the header claims */
  gint32 composition_time; /* FRAME: ms, sign-extended */
  gsize offset;            /* CONFIG, FRAME: where the record or the access unit begins */
  gsize size;
  const gchar *name; /* codec's name, also when unsupported: "Sorenson H.263", "MP3" */
} WeirFlvTag;

/* any bytes, any size; all of @tag is set. No byte beyond @size is read. A record or access unit of
 * no bytes is IGNORE, a header cut short MALFORMED. */
void weir_flv_tag_parse_video (const guint8 *data, gsize size, WeirFlvTag *tag);
void weir_flv_tag_parse_audio (const guint8 *data, gsize size, WeirFlvTag *tag);

G_END_DECLS
