/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/flvtag.h"

#include "hex.h"

/* from memory of exactly its size, so that a read beyond it is seen by the sanitizer */
static WeirFlvTag
parse_bytes (WeirMediaKind kind, const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);
  WeirFlvTag tag;

  memset (&tag, 0xaa, sizeof tag);
  if (kind == WEIR_MEDIA_VIDEO)
    weir_flv_tag_parse_video (copy, size, &tag);
  else
    weir_flv_tag_parse_audio (copy, size, &tag);
  return tag;
}

static WeirFlvTag
parse (WeirMediaKind kind, const gchar *hex)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return parse_bytes (kind, data, size);
}

typedef struct {
  const gchar *hex;
  WeirFlvPacket packet;
  gboolean keyframe;
  gint32 composition_time;
  gsize offset;
  gsize size;
  const gchar *name;
} Row;

static void
check (WeirMediaKind kind, const Row *rows, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    WeirFlvTag tag = parse (kind, rows[i].hex);

    g_test_message ("%s", rows[i].hex);
    g_assert_cmpint (tag.packet, ==, rows[i].packet);
    g_assert_cmpint (tag.kind, ==, kind);
    g_assert_cmpuint (tag.track_id, ==, 0);
    if (rows[i].name != NULL)
      g_assert_cmpstr (tag.name, ==, rows[i].name);
    if (tag.packet == WEIR_FLV_CONFIG || tag.packet == WEIR_FLV_FRAME) {
      g_assert_cmpint (tag.codec, ==, kind == WEIR_MEDIA_VIDEO ? WEIR_CODEC_AVC : WEIR_CODEC_AAC);
      g_assert_cmpuint (tag.offset, ==, rows[i].offset);
      g_assert_cmpuint (tag.size, ==, rows[i].size);
    }
    if (tag.packet == WEIR_FLV_FRAME) {
      g_assert_cmpint (tag.keyframe, ==, rows[i].keyframe);
      g_assert_cmpint (tag.composition_time, ==, rows[i].composition_time);
    }
  }
}

static void
video_bodies (void)
{
  static const Row rows[] = {
      {"", WEIR_FLV_IGNORE},
      /* H.264 */
      {"17 00 000000 0142c01e", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "H.264"},
      {"17 01 000050 0000000165", WEIR_FLV_FRAME, TRUE, 80, 5, 5, "H.264"},
      {"47 01 000000 65", WEIR_FLV_FRAME, TRUE, 0, 5, 1, "H.264"},
      {"27 01 ffffb0 41", WEIR_FLV_FRAME, FALSE, -80, 5, 1, "H.264"},
      {"37 01 800000 41", WEIR_FLV_FRAME, FALSE, -8388608, 5, 1, "H.264"},
      {"17 02 000000", WEIR_FLV_END, TRUE, 0, 0, 0, "H.264"},
      {"17 02", WEIR_FLV_END},
      {"17", WEIR_FLV_MALFORMED},
      {"17 01", WEIR_FLV_MALFORMED},
      {"17 01 0000", WEIR_FLV_MALFORMED},
      {"17 03 000000 00", WEIR_FLV_MALFORMED},
      {"17 00 000000", WEIR_FLV_IGNORE},
      {"27 01 000000", WEIR_FLV_IGNORE},
      {"57 00", WEIR_FLV_IGNORE},
      {"52 00", WEIR_FLV_IGNORE},
      /* others */
      {"12 00", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Sorenson H.263"},
      {"13", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Screen Video"},
      {"14", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "VP6"},
      {"15", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "VP6 with alpha"},
      {"1c 00 000000", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "HEVC"},
      {"1f", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "video codec 15"},
      /* Enhanced RTMP */
      {"90 61766331 0142c01e", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "H.264"},
      {"91 61766331 ffffb0 65", WEIR_FLV_FRAME, TRUE, -80, 8, 1, "H.264"},
      {"93 61766331 65", WEIR_FLV_FRAME, TRUE, 0, 5, 1, "H.264"},
      {"a3 61766331 41", WEIR_FLV_FRAME, FALSE, 0, 5, 1, "H.264"},
      {"92 61766331", WEIR_FLV_END},
      {"90 61766331", WEIR_FLV_IGNORE},
      {"91 61766331 ffff", WEIR_FLV_MALFORMED},
      {"95 61766331 00", WEIR_FLV_MALFORMED},
      {"94 02", WEIR_FLV_IGNORE},
      {"d1 00", WEIR_FLV_IGNORE},
      {"90 617663", WEIR_FLV_MALFORMED},
      {"90", WEIR_FLV_MALFORMED},
      {"90 68766331 01", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "HEVC"},
      {"90 61763031 01", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "AV1"},
      {"90 76703039 01", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "VP9"},
      {"90 76766331 01", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "VVC"},
      {"90 00ff0a1b 01", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "unknown codec"},
      {"96 00", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "multitrack"},
      {"97 00", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "ModEx"},
  };

  check (WEIR_MEDIA_VIDEO, rows, G_N_ELEMENTS (rows));
}

static void
audio_bodies (void)
{
  static const Row rows[] = {
      {"", WEIR_FLV_IGNORE},
      {"af 00 1190", WEIR_FLV_CONFIG, TRUE, 0, 2, 2, "AAC"},
      {"af 01 2110", WEIR_FLV_FRAME, TRUE, 0, 2, 2, "AAC"},
      {"a0 01 21", WEIR_FLV_FRAME, TRUE, 0, 2, 1, "AAC"},
      {"af", WEIR_FLV_MALFORMED},
      {"af 02 00", WEIR_FLV_MALFORMED},
      {"af 00", WEIR_FLV_IGNORE},
      {"af 01", WEIR_FLV_IGNORE},
      {"2f ff", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "MP3"},
      {"ef ff", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "MP3"},
      {"0f", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Linear PCM"},
      {"6f", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Nellymoser"},
      {"72", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "G.711 A-law"},
      {"82", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "G.711 mu-law"},
      {"b2", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Speex"},
      {"90 6d703461 1190", WEIR_FLV_CONFIG, TRUE, 0, 5, 2, "AAC"},
      {"91 6d703461 2110", WEIR_FLV_FRAME, TRUE, 0, 5, 2, "AAC"},
      {"92 6d703461", WEIR_FLV_END},
      {"94 6d703461 0102", WEIR_FLV_IGNORE},
      {"93 6d703461 01", WEIR_FLV_MALFORMED},
      {"91 6d7034", WEIR_FLV_MALFORMED},
      {"90", WEIR_FLV_MALFORMED},
      {"90 4f707573 00", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Opus"},
      {"90 61632d33 00", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "AC-3"},
      {"95 01", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "multitrack"},
      {"97 01", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "ModEx"},
  };

  check (WEIR_MEDIA_AUDIO, rows, G_N_ELEMENTS (rows));
}

static void
every_short_body_is_judged_within_its_bounds (void)
{
  for (guint first = 0; first < 256; first++) {
    for (guint second = 0; second < 8; second++) {
      const guint8 data[9] = {(guint8) first, (guint8) second, 'v', 'c', '1', 0, 0, 0, 1};

      for (gsize size = 0; size <= sizeof data; size++) {
        for (guint kind = WEIR_MEDIA_VIDEO; kind <= WEIR_MEDIA_AUDIO; kind++) {
          WeirFlvTag tag = parse_bytes ((WeirMediaKind) kind, data, size);

          if (tag.packet == WEIR_FLV_CONFIG || tag.packet == WEIR_FLV_FRAME) {
            g_assert_cmpuint (tag.size, >, 0);
            g_assert_cmpuint (tag.offset + tag.size, ==, size);
          }
          if (tag.packet == WEIR_FLV_UNSUPPORTED)
            g_assert_nonnull (tag.name);
        }
      }
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/rtmp/flvtag/" #name, name)
  TEST (video_bodies);
  TEST (audio_bodies);
  TEST (every_short_body_is_judged_within_its_bounds);
  return g_test_run ();
}
