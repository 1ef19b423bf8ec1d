/* See json_text.h. */
#include "chain/json_text.h"

#include "base/buffer.h"

json_t *json_text_parse(const char *text, size_t length, json_error_t *problem)
{
	/* For the whole process, and harmless to repeat: what jansson has allocated so far is
	 * freed alike. */
	json_set_alloc_funcs(memory_obtain, memory_free);
	return json_loadb(text, length, JSON_REJECT_DUPLICATES, problem);
}
