/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "config.h"

#include "net/proxy.h"
#include "net/socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

G_DEFINE_QUARK (weir_config_error, weir_config_error)

typedef enum {
  TYPE_TEXT,      /* gchar *; @min, @max: bytes */
  TYPE_NAME,      /* gchar * of [A-Za-z0-9_-]; likewise */
  TYPE_LISTEN,    /* gchar * */
  TYPE_NETWORKS,  /* gchar * */
  TYPE_URL,       /* gchar *; http or https, or empty */
  TYPE_CHOICE,    /* gchar *; one of @choices */
  TYPE_RECORDING, /* gboolean; automatic or off */
  TYPE_BOOLEAN,   /* gboolean; true or false */
  TYPE_COUNT,     /* guint */
  TYPE_DURATION,  /* gint64, microseconds */
  TYPE_SIZE,      /* gint64, bytes */
  TYPE_PERCENT,   /* guint */
  TYPE_LATER,     /* of a part that does not exist yet: refused unless empty */
} EntryType;

typedef struct {
  const gchar *section;
  const gchar *key;
  EntryType type;
  const gchar *value; /* default, as written in a file */
  const gchar *description;
  gsize offset; /* in WeirConfig */
  gint64 min, max;
  const gchar *choices; /* separated by blanks; those in brackets are for later */
} Entry;

#define MS G_GINT64_CONSTANT (1000)
#define SECOND G_GINT64_CONSTANT (1000000)
#define HOUR (3600 * SECOND)
#define KIB G_GINT64_CONSTANT (1024)
#define MIB (1024 * KIB)
#define AT(field) G_STRUCT_OFFSET (WeirConfig, field)

/* drives parsing, defaults, weir_config_to_string(), data/weir.conf and weir.conf(5) */
static const Entry entries[] = {
    {"server", "state-dir", TYPE_TEXT, "",
        "Folder of everything that Weir keeps. Empty: $STATE_DIRECTORY (set by systemd), else "
        "/var/lib/weir for root, else weir in $XDG_STATE_HOME.",
        AT (server.state_dir), 0, 4000, NULL},
    {"server", "public-host", TYPE_TEXT, "",
        "Host name or address that encoders and viewers are told. Empty: that of http.public-url, "
        "else the Host of the request.",
        AT (server.public_host), 0, 253, NULL},
    {"server", "node-name", TYPE_TEXT, "",
        "Name of this node in logs and metrics. Empty: the host's name.", AT (server.node_name), 0,
        64, NULL},
    {"server", "workers", TYPE_COUNT, "0",
        "Threads that broadcasts are spread over. 0: as many as the machine has cores.",
        AT (server.workers), 0, 1024, NULL},
    {"server", "log-level", TYPE_CHOICE, "info", "What is logged at most. Taken over at SIGHUP.",
        AT (server.log_level), 0, 0, "error warning info debug"},
    {"server", "log-format", TYPE_CHOICE, "text",
        "Lines for people, or one JSON object a line. Under systemd the journal gets priorities "
        "either way.",
        AT (server.log_format), 0, 0, "text json"},

    {"http", "listen", TYPE_LISTEN, "[::]:8080",
        "Where the pages, playlists, segments and the API are served. Several addresses are "
        "separated by semicolons; empty: off.",
        AT (http.listen), 0, 0, NULL},
    {"http", "admin-listen", TYPE_LISTEN, "",
        "Where the API and the metrics are served instead. Empty: on http.listen.",
        AT (http.admin_listen), 0, 0, NULL},
    {"http", "public-url", TYPE_URL, "",
        "Address of the HTTP service as viewers see it, for example https://live.example.org. "
        "Empty: made from the request.",
        AT (http.public_url), 0, 0, NULL},
    {"http", "trusted-proxies", TYPE_NETWORKS, "",
        "Networks or addresses of proxies and caches in front, separated by semicolons: their "
        "X-Forwarded-For and X-Forwarded-Proto are believed, and limits count the client that they "
        "name. For HTTPS too. Empty: none.",
        AT (http.trusted_proxies), 0, 0, NULL},

    {"https", "listen", TYPE_LISTEN, "",
        "Where the same is served with TLS, for example [::]:8443; there must be a certificate "
        "then. "
        "Empty: off.",
        AT (https.listen), 0, 0, NULL},
    {"https", "certificates", TYPE_TEXT, "",
        "Folder of NAME.crt with NAME.key, one of them default; a client gets the one for the name "
        "that it asks for. Read again at SIGHUP and when a file changes. Empty: certificates in "
        "the state folder.",
        AT (https.certificates), 0, 4000, NULL},

    {"api", "account", TYPE_NAME, "",
        "Account id in the API's paths. Empty: made at the first start and kept.", AT (api.account),
        0, 64, NULL},
    {"api", "token-file", TYPE_TEXT, "",
        "File that holds the API's bearer token; made at the first start, readable by its owner "
        "only. Empty: api-token in the state folder.",
        AT (api.token_file), 0, 4000, NULL},

    {"rtmp", "listen", TYPE_LISTEN, "[::]:1935",
        "Where encoders send RTMP to. Several addresses are separated by semicolons; empty: off.",
        AT (rtmp.listen), 0, 0, NULL},
    {"rtmp", "app", TYPE_NAME, "live", "Application name in the address: rtmp://HOST/APP/KEY.",
        AT (rtmp.app), 1, 64, NULL},
    {"rtmp", "read-interval", TYPE_DURATION, "20ms",
        "How often a publisher is read. Longer costs latency and saves CPU; 0: at once.",
        AT (rtmp.read_interval), 0, SECOND, NULL},
    {"rtmp", "trusted-proxies", TYPE_NETWORKS, "",
        "Networks or addresses of proxies in front, separated by semicolons: what comes from there "
        "must begin with the PROXY protocol (version 1 or 2), before TLS, and limits count the "
        "client that it names. For RTMPS too. Empty: none.",
        AT (rtmp.trusted_proxies), 0, 0, NULL},

    {"rtmps", "listen", TYPE_LISTEN, "[::]:1936",
        "Where encoders send RTMP over TLS to; off while there is no certificate. Several "
        "addresses "
        "are separated by semicolons; empty: off.",
        AT (rtmps.listen), 0, 0, NULL},
    {"rtmps", "certificates", TYPE_TEXT, "",
        "Folder of NAME.crt with NAME.key, one of them default; an encoder gets the one for the "
        "name that it asks for. Read again at SIGHUP and when a file changes. Empty: certificates "
        "in the state folder.",
        AT (rtmps.certificates), 0, 4000, NULL},

    {"srt", "listen", TYPE_LATER, "", "Where encoders send SRT to.", 0, 0, 0, NULL},
    {"srt", "latency", TYPE_LATER, "", "How long lost packets are waited for.", 0, 0, 0, NULL},

    {"webrtc", "listen", TYPE_LATER, "", "UDP addresses for WebRTC media.", 0, 0, 0, NULL},
    {"webrtc", "public-addresses", TYPE_LATER, "",
        "Addresses that WebRTC peers are told instead of the local ones.", 0, 0, 0, NULL},

    {"segments", "duration", TYPE_DURATION, "2s",
        "Shortest segment; it ends at the next keyframe after this.", AT (segments.duration),
        500 * MS, 60 * SECOND, NULL},
    {"segments", "part-duration", TYPE_DURATION, "500ms",
        "Longest partial segment of low-latency HLS; not longer than segments.duration.",
        AT (segments.part_duration), 100 * MS, 5 * SECOND, NULL},

    {"recording", "mode", TYPE_RECORDING, "automatic",
        "Whether broadcasts of live inputs that do not say become recordings. off: only a live "
        "window is kept.",
        AT (recording.automatic), 0, 0, "automatic off"},
    {"recording", "timeout", TYPE_DURATION, "60s",
        "How long after the last media a broadcast waits for its encoder's return before it ends, "
        "for live inputs that do not say.",
        AT (recording.timeout), SECOND, 24 * HOUR, NULL},
    {"recording", "clean-stop-timeout", TYPE_DURATION, "5s",
        "The same for an encoder that has said that it stops; recording.timeout, or what the live "
        "input says, when that is shorter.",
        AT (recording.clean_stop_timeout), 0, 24 * HOUR, NULL},
    {"recording", "takeover", TYPE_CHOICE, "silent",
        "Whose place a second encoder with the same key gets. silent: that of one which has sent "
        "no media for recording.takeover-silence; another keeps its place and the second one is "
        "refused. always: the newest one's; two that fight have to wait longer and longer, up to 5 "
        "minutes.",
        AT (recording.takeover), 0, 0, "silent always"},
    {"recording", "takeover-silence", TYPE_DURATION, "2s",
        "Without media for so long an encoder loses its place to another one, whose answer is held "
        "until that shows, for four fifths of limits.authorise at most.",
        AT (recording.takeover_silence), 500 * MS, 60 * SECOND, NULL},
    {"recording", "delete-after", TYPE_DURATION, "0",
        "How long recordings are kept after the end of the broadcast, for live inputs that do not "
        "say. 0: until they are deleted.",
        AT (recording.delete_after), 0, 36500 * 24 * HOUR, NULL},
    {"recording", "min-free", TYPE_PERCENT, "5%",
        "With less of the file system free, recordings are paused; live goes on. 0%: down to the "
        "last byte.",
        AT (recording.min_free), 0, 90, NULL},
    {"recording", "max-size", TYPE_SIZE, "0",
        "The size of all recordings together from which on nothing more is recorded, until it is a "
        "tenth less; live goes on. It is looked at every two seconds. 0: no limit.",
        AT (recording.max_size), 0, 1024 * 1024 * MIB *MIB, NULL},
    {"recording", "delete-oldest", TYPE_BOOLEAN, "false",
        "Whether the oldest finished recordings are deleted to make room for new ones, when "
        "recording.max-size or recording.min-free is reached. Without it nothing is ever deleted "
        "that nobody has asked for.",
        AT (recording.delete_oldest), 0, 0, "true false"},
    {"recording", "sweep-orphans", TYPE_BOOLEAN, "false",
        "Whether segments of broadcasts that the database does not know are removed, an hour after "
        "the start and then daily, when nothing of the broadcast is younger than a day. Without it "
        "the log only says how much there is. After a backup of the database was restored, the "
        "recordings made since are such broadcasts.",
        AT (recording.sweep_orphans), 0, 0, "true false"},

    {"egress", "allow", TYPE_NETWORKS, "",
        "Networks or addresses that webhooks may reach although they are not public, separated by "
        "semicolons, for example 10.1.0.0/16;::1. Empty: none.",
        AT (egress.allow), 0, 0, NULL},

    {"events", "keep", TYPE_DURATION, "7d", "Events older than this are forgotten.",
        AT (events.keep), 60 * SECOND, 3660 * 24 * HOUR, NULL},
    {"events", "max", TYPE_COUNT, "1000000", "Events that are kept at most, the newest ones.",
        AT (events.max), 1000, 1000000000, NULL},

    {"store", "backend", TYPE_CHOICE, "sqlite", "Where committed state is kept.",
        AT (store.backend), 0, 0, "sqlite (etcd)"},
    {"store", "endpoints", TYPE_LATER, "", "Addresses of etcd.", 0, 0, 0, NULL},
    {"store", "prefix", TYPE_LATER, "", "Prefix of Weir's keys in etcd.", 0, 0, 0, NULL},

    {"blobs", "backend", TYPE_CHOICE, "file", "Where segments are kept.", AT (blobs.backend), 0, 0,
        "file (s3)"},
    {"blobs", "path", TYPE_TEXT, "", "Folder of the segments. Empty: segments in the state folder.",
        AT (blobs.path), 0, 4000, NULL},

    {"limits", "pending-connections", TYPE_COUNT, "0",
        "Encoders' connections that have not been let in yet, from all addresses. 0: a quarter of "
        "the files that the process may open, 16384 at most.",
        AT (limits.pending_connections), 0, 1000000, NULL},
    {"limits", "pending-connections-per-address", TYPE_COUNT, "20",
        "Likewise, of one address or one IPv6 /64. Five times as many more wait until it is their "
        "turn, further ones are closed. 0: as many as connect.",
        AT (limits.pending_connections_per_address), 0, 1000000, NULL},
    {"limits", "connection-rate-per-address", TYPE_COUNT, "10",
        "Encoders' connections a second of one address or one IPv6 /64; twice as many at once. "
        "Those that come faster wait as above. 0: as many as connect.",
        AT (limits.connection_rate_per_address), 0, 1000000, NULL},
    {"limits", "authorisations", TYPE_COUNT, "64",
        "Publishers that are checked at a time. Further ones wait in line, for 20 s at most, and "
        "nobody new is accepted meanwhile.",
        AT (limits.authorisations), 1, 10000, NULL},
    {"limits", "rtmp-handshake", TYPE_DURATION, "10s",
        "Time from connecting until publish is asked for.", AT (limits.rtmp_handshake), SECOND,
        60 * SECOND, NULL},
    {"limits", "rtmp-first-media", TYPE_DURATION, "10s",
        "Time from the answer to publish until the first media.", AT (limits.rtmp_first_media),
        SECOND, HOUR, NULL},
    {"limits", "rtmp-media-silence", TYPE_DURATION, "15s",
        "A publisher that sends no media for this long is disconnected.",
        AT (limits.rtmp_media_silence), SECOND, HOUR, NULL},
    {"limits", "rtmp-video-message", TYPE_SIZE, "8MiB", "Longest video message.",
        AT (limits.rtmp_video_message), 64 * KIB, 16 * MIB - 1, NULL},
    {"limits", "rtmp-audio-message", TYPE_SIZE, "256KiB", "Longest audio message.",
        AT (limits.rtmp_audio_message), 4 * KIB, 16 * MIB - 1, NULL},
    {"limits", "rtmp-data-message", TYPE_SIZE, "64KiB", "Longest command or metadata message.",
        AT (limits.rtmp_data_message), 4 * KIB, MIB, NULL},
    {"limits", "rtmp-control-message", TYPE_SIZE, "16B", "Longest message of the protocol itself.",
        AT (limits.rtmp_control_message), 16, 64 * KIB, NULL},
    {"limits", "rtmp-partial-messages", TYPE_SIZE, "16MiB",
        "Messages of one connection that have not come as a whole, together.",
        AT (limits.rtmp_partial_messages), MIB, 1024 * MIB, NULL},
    {"limits", "rtmp-memory", TYPE_SIZE, "64MiB",
        "What one connection may hold in memory in all: messages that have not come as a whole or "
        "are being taken apart, and what waits to be sent.",
        AT (limits.rtmp_memory), MIB, 4096 * MIB, NULL},
    {"limits", "rtmp-output", TYPE_SIZE, "64KiB",
        "What may wait to be sent to an encoder; one that does not read is disconnected.",
        AT (limits.rtmp_output), 16 * KIB, 16 * MIB, NULL},
    {"limits", "rtmp-early-bytes", TYPE_SIZE, "64KiB",
        "What an encoder may send before it asks to publish.", AT (limits.rtmp_early_bytes),
        8 * KIB, 16 * MIB, NULL},
    {"limits", "rtmp-streams", TYPE_COUNT, "8",
        "Streams that an encoder may create at a time; further ones are refused.",
        AT (limits.rtmp_streams), 1, 64, NULL},
    {"limits", "rtmp-chunk-streams", TYPE_COUNT, "64", "Chunk streams of one connection.",
        AT (limits.rtmp_chunk_streams), 4, 254, NULL},
    {"limits", "rtmp-chunk-size", TYPE_SIZE, "64B",
        "Smallest chunk size that a publisher may set; smaller ones only cost CPU.",
        AT (limits.rtmp_chunk_size), 1, 64 * KIB, NULL},
    {"limits", "rtmp-window", TYPE_SIZE, "2500B",
        "Bytes that are acknowledged at a time at least, however small a window an encoder sets.",
        AT (limits.rtmp_window), 128, MIB, NULL},
    {"limits", "rtmp-cut-off-messages", TYPE_COUNT, "3",
        "Messages a minute that an encoder may break off in the middle.",
        AT (limits.rtmp_cut_off_messages), 0, 1000, NULL},
    {"limits", "rtmp-messages-rate", TYPE_COUNT, "5000",
        "Messages a second of any kind, empty ones too, and each further track of one; twice as "
        "many at once. An encoder that sends more is disconnected.",
        AT (limits.rtmp_messages_rate), 100, 1000000, NULL},
    {"limits", "rtmp-commands-rate", TYPE_COUNT, "50",
        "Commands a second of one connection; further ones are dropped.",
        AT (limits.rtmp_commands_rate), 10, 10000, NULL},
    {"limits", "rtmp-metadata-rate", TYPE_COUNT, "50",
        "Data messages a second of one publisher; further ones are dropped.",
        AT (limits.rtmp_metadata_rate), 1, 10000, NULL},
    {"limits", "rtmp-pings-rate", TYPE_COUNT, "2",
        "Pings a second of one connection that are answered.", AT (limits.rtmp_pings_rate), 1, 1000,
        NULL},
    {"limits", "rtmp-lead", TYPE_DURATION, "60s",
        "How far a publisher's media may run ahead of the clock, a drift of 5 % apart; one that "
        "sends a file as fast as it can is read more slowly then, at the pace of the clock.",
        AT (limits.rtmp_lead), 5 * SECOND, 24 * HOUR, NULL},
    {"limits", "rtmp-clock-jumps", TYPE_COUNT, "60",
        "How often a minute a publisher's stamps may jump, by more than 2s forward or 500ms back.",
        AT (limits.rtmp_clock_jumps), 1, 10000, NULL},
    {"limits", "rtmp-configurations", TYPE_COUNT, "10",
        "How often a minute a publisher may change the configuration of a track, for example its "
        "resolution.",
        AT (limits.rtmp_configurations), 1, 10000, NULL},
    {"limits", "rtmp-tracks", TYPE_COUNT, "16",
        "Tracks of one publisher, at most half of them video and half of them audio; what comes on "
        "further ones is dropped.",
        AT (limits.rtmp_tracks), 2, 16, NULL},
    {"limits", "amf-depth", TYPE_COUNT, "16",
        "Objects and arrays within each other in a command or in metadata; what is deeper is "
        "dropped.",
        AT (limits.amf_depth), 4, 64, NULL},
    {"limits", "amf-values", TYPE_COUNT, "4096",
        "Values in one command or data message; one that has more is dropped.",
        AT (limits.amf_values), 64, 65536, NULL},
    {"limits", "authorise", TYPE_DURATION, "5s",
        "Time in which a publisher must have been let in, else it is refused.",
        AT (limits.authorise), 100 * MS, 60 * SECOND, NULL},
    {"limits", "http-connections", TYPE_COUNT, "4096",
        "HTTP connections at a time, for each of http.listen, http.admin-listen and https.listen. "
        "When there are more, those that wait longest for a request are closed.",
        AT (limits.http_connections), 1, 1000000, NULL},
    {"limits", "http-connections-per-address", TYPE_COUNT, "512",
        "HTTP connections of one address, which many viewers may share, or of one IPv6 /64. When "
        "there are more, those of the same address that wait longest for a request are closed.",
        AT (limits.http_connections_per_address), 1, 1000000, NULL},
    {"limits", "http-header-time", TYPE_DURATION, "10s",
        "Time from connecting, or from a later request line, until all headers of the request are "
        "there.",
        AT (limits.http_header_time), SECOND, HOUR, NULL},
    {"limits", "http-body-time", TYPE_DURATION, "10s",
        "Time from the headers until the whole body of a request is there.",
        AT (limits.http_body_time), SECOND, HOUR, NULL},
    {"limits", "http-idle", TYPE_DURATION, "30s",
        "An HTTP connection that asks for nothing for this long is closed.", AT (limits.http_idle),
        SECOND, HOUR, NULL},
    {"limits", "http-write-stall", TYPE_DURATION, "10s",
        "A client that takes less than http-write-progress of an answer in this time is cut off.",
        AT (limits.http_write_stall), SECOND, HOUR, NULL},
    {"limits", "http-write-progress", TYPE_SIZE, "64KiB",
        "What a client takes at least in http-write-stall, or the whole of the answer.",
        AT (limits.http_write_progress), 1, MIB, NULL},
    {"limits", "http-body", TYPE_SIZE, "64KiB", "Longest body of a request.", AT (limits.http_body),
        KIB, 16 * MIB, NULL},
    {"limits", "http-header", TYPE_SIZE, "16KiB", "Request line and headers of a request.",
        AT (limits.http_header), KIB, MIB, NULL},
    {"limits", "http-headers", TYPE_COUNT, "100", "Headers of a request.", AT (limits.http_headers),
        16, 10000, NULL},
    {"limits", "http-target", TYPE_SIZE, "8KiB", "Path and query of a request.",
        AT (limits.http_target), 256, MIB, NULL},
    {"limits", "http-parked-per-stream", TYPE_COUNT, "2048",
        "Requests for one stream that wait for their answer; more are answered 503.",
        AT (limits.http_parked_per_stream), 1, 1000000, NULL},
    {"limits", "http-parked-per-address", TYPE_COUNT, "256",
        "Requests of one address that wait for their answer; more are answered 503.",
        AT (limits.http_parked_per_address), 1, 1000000, NULL},
    {"limits", "http-answer", TYPE_DURATION, "30s",
        "A request that has waited for its answer this long is answered 503; one for a backup "
        "waits "
        "until it is made.",
        AT (limits.http_answer), SECOND, HOUR, NULL},
    {"limits", "json-depth", TYPE_COUNT, "16", "How deep objects and lists of a request may nest.",
        AT (limits.json_depth), 4, 64, NULL},
    {"limits", "outputs-per-input", TYPE_COUNT, "100", "Outputs that a live input may have.",
        AT (limits.outputs_per_input), 1, 1000, NULL},
    {"limits", "signing-keys-per-account", TYPE_COUNT, "1000", "Signing keys of an account.",
        AT (limits.signing_keys_per_account), 1, 100000, NULL},
    {"limits", "segment-size", TYPE_SIZE, "64MiB",
        "Largest segment; it is cut there, wherever that is.", AT (limits.segment_size), MIB,
        256 * MIB, NULL},
    {"limits", "part-size", TYPE_SIZE, "16MiB",
        "Largest partial segment, apart from one that is a single frame.", AT (limits.part_size),
        64 * KIB, 64 * MIB, NULL},
    {"limits", "held-media", TYPE_SIZE, "16MiB",
        "Media of one broadcast that is held until it is known which segment it belongs to, for "
        "want of a keyframe or of another track; more of it goes where it can.",
        AT (limits.held_media), MIB, 256 * MIB, NULL},
    {"limits", "broadcast-configurations", TYPE_COUNT, "1000",
        "How often the tracks' configuration may change in one broadcast; with one more it ends, "
        "and its encoder begins the next.",
        AT (limits.broadcast_configurations), 1, 100000, NULL},
    {"limits", "disk-queue", TYPE_SIZE, "64MiB",
        "Media of one broadcast that may wait in memory for a disk that is slow or refuses it.",
        AT (limits.disk_queue), MIB, 1024 * MIB, NULL},
    {"limits", "disk-queue-total", TYPE_SIZE, "512MiB", "The same of all broadcasts together.",
        AT (limits.disk_queue_total), MIB, 1024 * 1024 * MIB, NULL},
};

typedef struct {
  const gchar *suffix;
  gint64 factor;
} Unit;

/* descending: the first that divides a number is how it is written */
static const Unit duration_units[] = {
    {"d", 24 * HOUR}, {"h", HOUR}, {"min", 60 * SECOND}, {"s", SECOND}, {"ms", MS}, {"us", 1}};
static const Unit percent_units[] = {{"%", 1}};
static const Unit size_units[] = {
    {"TiB", MIB *MIB}, {"GiB", KIB *MIB}, {"MiB", MIB}, {"KiB", KIB}, {"B", 1}};

static gchar *
format_number (gint64 number, const Unit *units, guint count)
{
  for (guint i = 0; i < count && number != 0; i++) {
    gboolean coarse = strcmp (units[i].suffix, "d") == 0 || strcmp (units[i].suffix, "h") == 0 ||
                      strcmp (units[i].suffix, "min") == 0;

    /* as people write it: 60s rather than 1min */
    if (number % units[i].factor == 0 && (!coarse || number / units[i].factor > 1))
      return g_strdup_printf ("%" G_GINT64_FORMAT "%s", number / units[i].factor, units[i].suffix);
  }
  return g_strdup ("0");
}

static gboolean
parse_number (const gchar *text, const Unit *units, guint count, const gchar *example,
    gint64 *number, GError **error)
{
  guint64 value;
  gchar *end;

  if (!g_ascii_isdigit (text[0])) {
    g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE,
        "is no number with a unit, such "
        "as %s",
        example);
    return FALSE;
  }
  errno = 0;
  value = g_ascii_strtoull (text, &end, 10);
  if (errno == 0 && value == 0 && *end == '\0') {
    *number = 0;
    return TRUE;
  }
  for (guint i = 0; i < count; i++) {
    gint64 product;

    if (strcmp (end, units[i].suffix) != 0)
      continue;
    if (errno != 0 || value > G_MAXINT64 ||
        __builtin_mul_overflow ((gint64) value, units[i].factor, &product)) {
      g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "is too large");
      return FALSE;
    }
    *number = product;
    return TRUE;
  }
  g_set_error (
      error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "needs a unit, such as %s", example);
  return FALSE;
}

static gboolean
check_range (const Entry *entry, gint64 number, GError **error)
{
  g_autofree gchar *min = NULL;
  g_autofree gchar *max = NULL;

  if (number >= entry->min && number <= entry->max)
    return TRUE;
  if (entry->type == TYPE_DURATION) {
    min = format_number (entry->min, duration_units, G_N_ELEMENTS (duration_units));
    max = format_number (entry->max, duration_units, G_N_ELEMENTS (duration_units));
  } else if (entry->type == TYPE_SIZE) {
    min = format_number (entry->min, size_units, G_N_ELEMENTS (size_units));
    max = format_number (entry->max, size_units, G_N_ELEMENTS (size_units));
  } else if (entry->type == TYPE_PERCENT) {
    min = format_number (entry->min, percent_units, G_N_ELEMENTS (percent_units));
    max = format_number (entry->max, percent_units, G_N_ELEMENTS (percent_units));
  } else {
    min = g_strdup_printf ("%" G_GINT64_FORMAT, entry->min);
    max = g_strdup_printf ("%" G_GINT64_FORMAT, entry->max);
  }
  g_set_error (
      error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "must be from %s to %s", min, max);
  return FALSE;
}

static gboolean
check_text (const Entry *entry, const gchar *text, GError **error)
{
  gsize size = strlen (text);

  if ((gint64) size < entry->min) {
    g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "must not be empty");
    return FALSE;
  }
  if ((gint64) size > entry->max) {
    g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE,
        "is longer than %" G_GINT64_FORMAT " bytes", entry->max);
    return FALSE;
  }
  for (gsize i = 0; i < size; i++) {
    if (g_ascii_iscntrl (text[i])) {
      g_set_error (
          error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "must not hold control characters");
      return FALSE;
    }
    if (entry->type == TYPE_NAME && !g_ascii_isalnum (text[i]) && strchr ("_-", text[i]) == NULL) {
      g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE,
          "may hold letters, digits, _ and - only");
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_listen (const gchar *text, GError **error)
{
  g_autoptr (GPtrArray) addresses = NULL;
  g_autoptr (GError) problem = NULL;

  if (text[0] == '\0')
    return TRUE;
  addresses = weir_parse_listen (text, &problem);
  if (addresses != NULL)
    return TRUE;
  g_set_error (
      error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "is no listen: %s", problem->message);
  return FALSE;
}

static gboolean
check_networks (const gchar *text, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (WeirNetworks) networks = weir_networks_parse (text, &problem);

  if (networks != NULL)
    return TRUE;
  g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "%s", problem->message);
  return FALSE;
}

static gboolean
check_url (const gchar *text, GError **error)
{
  g_autoptr (GUri) uri = NULL;

  if (text[0] == '\0')
    return TRUE;
  uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  if (uri != NULL &&
      g_strv_contains ((const gchar *const[]){"http", "https", NULL}, g_uri_get_scheme (uri)) &&
      g_uri_get_host (uri) != NULL && g_uri_get_host (uri)[0] != '\0' &&
      g_uri_get_query (uri) == NULL && g_uri_get_fragment (uri) == NULL &&
      g_uri_get_userinfo (uri) == NULL)
    return TRUE;
  g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE,
      "is no address such as https://live.example.org");
  return FALSE;
}

static gboolean
check_choice (const Entry *entry, const gchar *text, GError **error)
{
  g_auto (GStrv) choices = g_strsplit (entry->choices, " ", -1);
  g_autofree gchar *later = g_strdup_printf ("(%s)", text);

  if (g_strv_contains ((const gchar *const *) choices, later)) {
    g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_UNAVAILABLE,
        "%s is not available in this version", text);
    return FALSE;
  }
  if (text[0] != '(' && g_strv_contains ((const gchar *const *) choices, text))
    return TRUE;
  g_set_error (
      error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "must be one of: %s", entry->choices);
  return FALSE;
}

static void
replace_text (WeirConfig *self, const Entry *entry, const gchar *text)
{
  gchar **field = G_STRUCT_MEMBER_P (self, entry->offset);

  g_free (*field);
  *field = g_strdup (text);
}

/* the error says what is wrong with the value; the caller puts in front which one it is */
static gboolean
set_value (WeirConfig *self, const Entry *entry, const gchar *text, GError **error)
{
  gint64 number = 0;
  gchar *end;

  switch (entry->type) {
  case TYPE_TEXT:
  case TYPE_NAME:
    if (!check_text (entry, text, error))
      return FALSE;
    replace_text (self, entry, text);
    return TRUE;
  case TYPE_LISTEN:
    if (!check_listen (text, error))
      return FALSE;
    replace_text (self, entry, text);
    return TRUE;
  case TYPE_NETWORKS:
    if (!check_networks (text, error))
      return FALSE;
    replace_text (self, entry, text);
    return TRUE;
  case TYPE_URL:
    if (!check_url (text, error))
      return FALSE;
    replace_text (self, entry, text);
    return TRUE;
  case TYPE_CHOICE:
    if (!check_choice (entry, text, error))
      return FALSE;
    replace_text (self, entry, text);
    return TRUE;
  case TYPE_RECORDING:
    if (!check_choice (entry, text, error))
      return FALSE;
    G_STRUCT_MEMBER (gboolean, self, entry->offset) = g_str_equal (text, "automatic");
    return TRUE;
  case TYPE_BOOLEAN:
    if (!check_choice (entry, text, error))
      return FALSE;
    G_STRUCT_MEMBER (gboolean, self, entry->offset) = g_str_equal (text, "true");
    return TRUE;
  case TYPE_COUNT:
    errno = 0;
    number = g_ascii_isdigit (text[0]) ? g_ascii_strtoll (text, &end, 10) : -1;
    if (number < 0 || *end != '\0' || errno != 0) {
      g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "is no whole number");
      return FALSE;
    }
    if (!check_range (entry, number, error))
      return FALSE;
    G_STRUCT_MEMBER (guint, self, entry->offset) = (guint) number;
    return TRUE;
  case TYPE_DURATION:
    if (!parse_number (
            text, duration_units, G_N_ELEMENTS (duration_units), "2s or 500ms", &number, error) ||
        !check_range (entry, number, error))
      return FALSE;
    G_STRUCT_MEMBER (gint64, self, entry->offset) = number;
    return TRUE;
  case TYPE_SIZE:
    if (!parse_number (
            text, size_units, G_N_ELEMENTS (size_units), "64KiB or 8MiB", &number, error) ||
        !check_range (entry, number, error))
      return FALSE;
    G_STRUCT_MEMBER (gint64, self, entry->offset) = number;
    return TRUE;
  case TYPE_PERCENT:
    if (!parse_number (text, percent_units, G_N_ELEMENTS (percent_units), "5%", &number, error) ||
        !check_range (entry, number, error))
      return FALSE;
    G_STRUCT_MEMBER (guint, self, entry->offset) = (guint) number;
    return TRUE;
  case TYPE_LATER:
    if (text[0] == '\0')
      return TRUE;
    g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_UNAVAILABLE,
        "is not available in this version");
    return FALSE;
  default:
    g_return_val_if_reached (FALSE);
  }
}

/* Returns: (transfer full) (nullable): NULL for what this version does not have */
static gchar *
get_value (const WeirConfig *self, const Entry *entry)
{
  gconstpointer field = G_STRUCT_MEMBER_P (self, entry->offset);

  switch (entry->type) {
  case TYPE_TEXT:
  case TYPE_NAME:
  case TYPE_LISTEN:
  case TYPE_NETWORKS:
  case TYPE_URL:
  case TYPE_CHOICE:
    return g_strdup (*(gchar *const *) field);
  case TYPE_RECORDING:
    return g_strdup (*(const gboolean *) field ? "automatic" : "off");
  case TYPE_BOOLEAN:
    return g_strdup (*(const gboolean *) field ? "true" : "false");
  case TYPE_COUNT:
    return g_strdup_printf ("%u", *(const guint *) field);
  case TYPE_DURATION:
    return format_number (*(const gint64 *) field, duration_units, G_N_ELEMENTS (duration_units));
  case TYPE_SIZE:
    return format_number (*(const gint64 *) field, size_units, G_N_ELEMENTS (size_units));
  case TYPE_PERCENT:
    return format_number (*(const guint *) field, percent_units, G_N_ELEMENTS (percent_units));
  case TYPE_LATER:
  default:
    return NULL;
  }
}

static gboolean
is_text (const Entry *entry)
{
  return entry->type <= TYPE_CHOICE;
}

/* @entry: (out) (nullable) (optional). Returns: FALSE and what is unknown */
static gboolean
find_entry (const gchar *section, const gchar *key, const Entry **entry, GError **error)
{
  gboolean known = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++) {
    if (strcmp (entries[i].section, section) != 0)
      continue;
    known = TRUE;
    if (key == NULL)
      return TRUE;
    if (strcmp (entries[i].key, key) != 0)
      continue;
    *entry = &entries[i];
    return TRUE;
  }
  g_set_error (
      error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_UNKNOWN, "unknown %s", known ? "key" : "section");
  return FALSE;
}

/*
 * GKeyFile does not tell where it found something.
 *
 * @key: (nullable): NULL for the section itself
 * @count: (out): how often it is there
 *
 * Returns: the line it is on last, from 1; 0 when it is not found
 */
static guint
find_line (const gchar *content, const gchar *section, const gchar *key, guint *count)
{
  g_auto (GStrv) lines = g_strsplit (content, "\n", -1);
  g_autofree gchar *current = g_strdup ("");
  guint found = 0;

  *count = 0;
  for (guint i = 0; lines[i] != NULL; i++) {
    gchar *line = g_strstrip (lines[i]);
    gchar *end = line[0] == '[' ? strrchr (line, ']') : strchr (line, '=');

    if (line[0] == '#' || end == NULL)
      continue;
    *end = '\0';
    if (line[0] == '[') {
      g_free (current);
      current = g_strdup (line + 1);
      if (key != NULL)
        continue;
    }
    if (strcmp (current, section) != 0 ||
        (key == NULL ? line[0] != '[' : strcmp (g_strchomp (line), key) != 0))
      continue;
    found = i + 1;
    (*count)++;
  }
  return found;
}

/* puts in front of an error where it is; @line: 0 when unknown */
static void
locate_error (GError **error, const gchar *file, guint line, const gchar *section, const gchar *key)
{
  g_autofree gchar *place = line > 0 ? g_strdup_printf ("%s:%u", file, line) : g_strdup (file);

  if (key != NULL)
    g_prefix_error (error, "%s: %s.%s: ", place, section, key);
  else
    g_prefix_error (error, "%s: [%s]: ", place, section);
}

static gboolean
read_key (WeirConfig *self, GKeyFile *key_file, const gchar *content, const gchar *section,
    const gchar *key, const gchar *file, GError **error)
{
  g_autofree gchar *value = NULL;
  g_autoptr (GError) problem = NULL;
  const Entry *entry = NULL;
  guint count;
  guint line = find_line (content, section, key, &count);

  if (find_entry (section, key, &entry, error)) {
    value = g_key_file_get_string (key_file, section, key, &problem);
    if (count > 1)
      g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "is there %u times", count);
    else if (value == NULL)
      g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE, "%s", problem->message);
    else if (set_value (self, entry, g_strchomp (value), error))
      return TRUE;
  }
  locate_error (error, file, line, section, key);
  return FALSE;
}

static gboolean
read_file (WeirConfig *self, const gchar *file, GError **error)
{
  g_autoptr (GKeyFile) key_file = g_key_file_new ();
  g_autoptr (GError) problem = NULL;
  g_autofree gchar *content = NULL;
  g_auto (GStrv) sections = NULL;
  gsize size;

  if (!g_file_get_contents (file, &content, &size, &problem)) {
    g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_FILE, "%s", problem->message);
    return FALSE;
  }
  if (!g_key_file_load_from_data (
          key_file, content, size, G_KEY_FILE_KEEP_TRANSLATIONS, &problem)) {
    g_set_error (
        error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_FILE, "%s: %s", file, problem->message);
    return FALSE;
  }
  sections = g_key_file_get_groups (key_file, NULL);
  for (guint i = 0; sections[i] != NULL; i++) {
    g_auto (GStrv) keys = g_key_file_get_keys (key_file, sections[i], NULL, NULL);
    guint count;

    if (!find_entry (sections[i], NULL, NULL, error)) {
      locate_error (error, file, find_line (content, sections[i], NULL, &count), sections[i], NULL);
      return FALSE;
    }
    for (guint j = 0; keys != NULL && keys[j] != NULL; j++) {
      if (!read_key (self, key_file, content, sections[i], keys[j], file, error))
        return FALSE;
    }
  }
  return TRUE;
}

static gboolean
apply_override (WeirConfig *self, const gchar *text, GError **error)
{
  const gchar *equals = strchr (text, '=');
  const gchar *point = strchr (text, '.');
  g_autofree gchar *section = NULL;
  g_autofree gchar *key = NULL;
  const Entry *entry = NULL;

  if (equals == NULL || point == NULL || point > equals) {
    g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE,
        "-o %s: must have the form SECTION.KEY=VALUE", text);
    return FALSE;
  }
  section = g_strndup (text, (gsize) (point - text));
  key = g_strndup (point + 1, (gsize) (equals - point - 1));
  if (find_entry (section, key, &entry, error) && set_value (self, entry, equals + 1, error))
    return TRUE;
  g_prefix_error (error, "-o %s.%s: ", section, key);
  return FALSE;
}

static gboolean
runs_as_service (void)
{
  return geteuid () == 0 || g_getenv ("STATE_DIRECTORY") != NULL;
}

/* Returns: (transfer full): NULL when there is none */
static gchar *
find_file (const gchar *file)
{
  g_autofree gchar *found = NULL;

  if (file == NULL)
    file = g_getenv ("WEIR_CONFIG");
  if (file != NULL && file[0] != '\0')
    return g_strdup (file);
  found = runs_as_service ()
              ? g_strdup ("/etc/weir/weir.conf")
              : g_build_filename (g_get_user_config_dir (), "weir", "weir.conf", NULL);
  return g_file_test (found, G_FILE_TEST_EXISTS) ? g_steal_pointer (&found) : NULL;
}

static gchar *
default_state_dir (void)
{
  const gchar *folders = g_getenv ("STATE_DIRECTORY");

  /* systemd separates several by colons */
  if (folders != NULL && folders[0] != '\0')
    return g_strndup (folders, strcspn (folders, ":"));
  if (geteuid () == 0)
    return g_strdup ("/var/lib/weir");
  return g_build_filename (g_get_user_state_dir (), "weir", NULL);
}

static void
make_absolute (gchar **path)
{
  gchar *absolute = g_canonicalize_filename (*path, NULL);

  g_free (*path);
  *path = absolute;
}

/* empty is @name in the state folder */
static void
fill_in_path (WeirConfig *self, gchar **path, const gchar *name)
{
  if ((*path)[0] == '\0') {
    g_free (*path);
    *path = g_build_filename (self->server.state_dir, name, NULL);
  }
  make_absolute (path);
}

/* what an empty value stands for */
static void
fill_in (WeirConfig *self)
{
  if (self->server.state_dir[0] == '\0') {
    g_free (self->server.state_dir);
    self->server.state_dir = default_state_dir ();
  }
  make_absolute (&self->server.state_dir);
  fill_in_path (self, &self->api.token_file, "api-token");
  fill_in_path (self, &self->blobs.path, "segments");
  fill_in_path (self, &self->rtmps.certificates, "certificates");
  fill_in_path (self, &self->https.certificates, "certificates");
  if (self->server.node_name[0] == '\0') {
    g_free (self->server.node_name);
    self->server.node_name = g_strdup (g_get_host_name ());
  }
  if (self->server.public_host[0] == '\0' && self->http.public_url[0] != '\0') {
    g_autoptr (GUri) uri = g_uri_parse (self->http.public_url, G_URI_FLAGS_NONE, NULL);

    g_free (self->server.public_host);
    self->server.public_host = g_strdup (g_uri_get_host (uri));
  }
}

static gboolean
check_together (const WeirConfig *self, GError **error)
{
  if (self->segments.part_duration <= self->segments.duration)
    return TRUE;
  g_set_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_VALUE,
      "segments.part-duration: must not be longer than segments.duration");
  return FALSE;
}

static WeirConfig *
make_defaults (void)
{
  WeirConfig *self = g_new0 (WeirConfig, 1);

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++) {
    g_autoptr (GError) error = NULL;

    if (!set_value (self, &entries[i], entries[i].value, &error))
      g_critical ("%s.%s: default %s", entries[i].section, entries[i].key, error->message);
  }
  return self;
}

WeirConfig *
weir_config_load (const gchar *file, const gchar *const *overrides, GError **error)
{
  g_autoptr (WeirConfig) self = make_defaults ();
  g_autofree gchar *found = find_file (file);

  if (found != NULL && !read_file (self, found, error))
    return NULL;
  for (; overrides != NULL && *overrides != NULL; overrides++) {
    if (!apply_override (self, *overrides, error))
      return NULL;
  }
  if (!check_together (self, error))
    return NULL;
  fill_in (self);
  return g_steal_pointer (&self);
}

void
weir_config_free (WeirConfig *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (entries); i++) {
    if (is_text (&entries[i]))
      g_free (G_STRUCT_MEMBER (gchar *, self, entries[i].offset));
  }
  g_free (self);
}

GStrv
weir_config_compare (const WeirConfig *self, const WeirConfig *other)
{
  g_autoptr (GStrvBuilder) changed = g_strv_builder_new ();

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++) {
    g_autofree gchar *value = get_value (self, &entries[i]);
    g_autofree gchar *other_value = get_value (other, &entries[i]);
    g_autofree gchar *name = g_strconcat (entries[i].section, ".", entries[i].key, NULL);

    if (g_strcmp0 (value, other_value) != 0)
      g_strv_builder_add (changed, name);
  }
  return g_strv_builder_end (changed);
}

gchar *
weir_config_to_string (const WeirConfig *self)
{
  g_autoptr (GKeyFile) key_file = g_key_file_new ();

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++) {
    g_autofree gchar *value = get_value (self, &entries[i]);

    if (value != NULL)
      g_key_file_set_string (key_file, entries[i].section, entries[i].key, value);
  }
  return g_key_file_to_data (key_file, NULL, NULL);
}

const gchar **
weir_config_get_keys (const gchar *section)
{
  const gchar **keys = g_new0 (const gchar *, G_N_ELEMENTS (entries) + 1);
  guint count = 0;

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++) {
    if (strcmp (entries[i].section, section) == 0)
      keys[count++] = entries[i].key;
  }
  return keys;
}

/* appends @text as comment lines of at most 80 characters */
static void
append_comment (GString *string, const gchar *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  gsize length = 0;

  for (guint i = 0; words[i] != NULL; i++) {
    gsize word = strlen (words[i]);

    if (length > 0 && length + 1 + word > 80) {
      g_string_append_c (string, '\n');
      length = 0;
    }
    g_string_append (string, length == 0 ? "# " : " ");
    g_string_append (string, words[i]);
    length += word + (length == 0 ? 2 : 1);
  }
  g_string_append_c (string, '\n');
}

/* Returns: (transfer full): what may be given, as a sentence; NULL when there is nothing to say */
static gchar *
describe_values (const Entry *entry)
{
  g_autofree gchar *min = NULL;
  g_autofree gchar *max = NULL;

  switch (entry->type) {
  case TYPE_CHOICE:
  case TYPE_BOOLEAN:
  case TYPE_RECORDING: {
    g_auto (GStrv) choices = g_strsplit (entry->choices, " ", -1);
    g_autoptr (GString) string = g_string_new (NULL);

    for (guint i = 0; choices[i] != NULL; i++) {
      if (choices[i][0] != '(')
        g_string_append_printf (string, "%s%s", string->len > 0 ? ", " : "One of: ", choices[i]);
    }
    g_string_append_c (string, '.');
    return g_strdup (string->str);
  }
  case TYPE_COUNT:
    return g_strdup_printf (
        "%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ".", entry->min, entry->max);
  case TYPE_DURATION:
    min = format_number (entry->min, duration_units, G_N_ELEMENTS (duration_units));
    max = format_number (entry->max, duration_units, G_N_ELEMENTS (duration_units));
    return g_strdup_printf ("%s to %s.", min, max);
  case TYPE_SIZE:
    min = format_number (entry->min, size_units, G_N_ELEMENTS (size_units));
    max = format_number (entry->max, size_units, G_N_ELEMENTS (size_units));
    return g_strdup_printf ("%s to %s.", min, max);
  case TYPE_PERCENT:
    return g_strdup_printf (
        "%" G_GINT64_FORMAT "%% to %" G_GINT64_FORMAT "%%.", entry->min, entry->max);
  case TYPE_LATER:
    return g_strdup ("Not available in this version: must be empty.");
  case TYPE_TEXT:
  case TYPE_NAME:
  case TYPE_LISTEN:
  case TYPE_NETWORKS:
  case TYPE_URL:
  default:
    return NULL;
  }
}

gchar *
weir_config_get_example (void)
{
  GString *string =
      g_string_new ("# Configuration of Weir; see weir.conf(5). What is commented out "
                    "is the default.\n");

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++) {
    const Entry *entry = &entries[i];
    g_autofree gchar *values = describe_values (entry);
    g_autofree gchar *comment =
        g_strjoin (values != NULL ? " " : "", entry->description, values, NULL);

    if (i == 0 || strcmp (entry->section, entries[i - 1].section) != 0)
      g_string_append_printf (string, "\n[%s]\n", entry->section);
    else
      g_string_append_c (string, '\n');
    append_comment (string, comment);
    g_string_append_printf (string, "#%s=%s\n", entry->key, entry->value);
  }
  return g_string_free (string, FALSE);
}

/* roff: backslashes, hyphens that must stay hyphens */
static gchar *
escape_manual (const gchar *text)
{
  g_autoptr (GString) string = g_string_new (text);

  g_string_replace (string, "\\", "\\e", 0);
  g_string_replace (string, "-", "\\-", 0);
  return g_string_free (g_steal_pointer (&string), FALSE);
}

gchar *
weir_config_get_manual (void)
{
  GString *string = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++) {
    const Entry *entry = &entries[i];
    g_autofree gchar *key = escape_manual (entry->key);
    g_autofree gchar *value = escape_manual (entry->value);
    g_autofree gchar *description = escape_manual (entry->description);
    g_autofree gchar *plain = describe_values (entry);
    g_autofree gchar *values = plain != NULL ? escape_manual (plain) : NULL;

    if (i == 0 || strcmp (entry->section, entries[i - 1].section) != 0)
      g_string_append_printf (string, ".SS [%s]\n", entry->section);
    g_string_append_printf (string, ".TP\n.BR %s\\fR=\\fI%s\\fR\n%s\n", key, value, description);
    if (values != NULL)
      g_string_append_printf (string, "%s\n", values);
  }
  return g_string_free (string, FALSE);
}
