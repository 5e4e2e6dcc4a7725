/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/import.h"

#include "api/jsonguard.h"

#include <string.h>

static gboolean
refuse (GError **error, const gchar *message)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, message);
  return FALSE;
}

/* @node: an object that is a live input, or has one as its result */
static gboolean
add_one (GPtrArray *inputs, JsonNode *node, GError **error)
{
  JsonObject *object;
  JsonNode *result;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return refuse (error, "holds something that is no live input");
  object = json_node_get_object (node);
  result = json_object_get_member (object, "result");
  if (json_object_has_member (object, "uid") || result == NULL) {
    g_ptr_array_add (inputs, json_to_string (node, FALSE));
    return TRUE;
  }
  if (!JSON_NODE_HOLDS_OBJECT (result))
    return refuse (error, "holds an answer whose result is no live input");
  if (json_object_has_member (json_node_get_object (result), "liveInputs"))
    return refuse (error,
        "holds a list without credentials: get each live input by its uid, and import those");
  g_ptr_array_add (inputs, json_to_string (result, FALSE));
  return TRUE;
}

GPtrArray *
weir_import_split (const gchar *text, gsize size, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, size);
  g_autoptr (JsonNode) root = weir_json_parse (bytes, WEIR_JSON_DEPTH_MAX, error);
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func (g_free);
  JsonArray *array;

  if (root == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_ARRAY (root))
    return add_one (inputs, root, error) ? g_steal_pointer (&inputs) : NULL;
  array = json_node_get_array (root);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    if (!add_one (inputs, json_array_get_element (array, i), error))
      return NULL;
  }
  return g_steal_pointer (&inputs);
}
