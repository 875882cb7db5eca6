// SPDX-License-Identifier: MIT
#include "runtime/call/option.h"

bool hwi_option_number(const char *text, uint32_t *number)
{
    uint64_t value = 0;
    const char *digit = text;
    for (; *digit >= '0' && *digit <= '9' && value <= UINT32_MAX; digit++) {
        value = 10 * value + (uint64_t)(*digit - '0');
    }
    if (digit == text || *digit != '\0' || value > UINT32_MAX) {
        return false;
    }
    *number = (uint32_t)value;
    return true;
}

// NULL if the option has no variable, or it is not set or empty.
static const char *environment(const struct hwi_option *option, hwi_option_lookup_fn lookup)
{
    const char *text = option->env != NULL && lookup != NULL ? lookup(option->env) : NULL;
    return text != NULL && *text != '\0' ? text : NULL;
}

static hws_status fill_number(const struct hwi_option *option, hwi_option_lookup_fn lookup,
                              uint32_t *field, struct hwi_error *error)
{
    const char *source = option->name;
    if (*field == 0) {
        const char *text = environment(option, lookup);
        source = text != NULL ? option->env : source;
        text = text != NULL ? text : option->standard;
        if (text == NULL) {
            return HWS_OK;
        }
        if (!hwi_option_number(text, field)) {
            return hwi_error_say(error, HWS_E_INVALID,
                                 "%s is \"%.40s\": it must be a number from %u to %u", source, text,
                                 option->least, option->most);
        }
    }
    if (*field < option->least || *field > option->most) {
        return hwi_error_say(error, HWS_E_INVALID, "%s is %u: it must be from %u to %u", source,
                             *field, option->least, option->most);
    }
    return HWS_OK;
}

static void fill_text(const struct hwi_option *option, hwi_option_lookup_fn lookup,
                      const char **field)
{
    if (*field == NULL || **field == '\0') {
        *field = environment(option, lookup);
    }
    if (*field == NULL) {
        *field = option->standard;
    }
}

static hws_status fill_flag(const struct hwi_option *option, hwi_option_lookup_fn lookup,
                            int *field, struct hwi_error *error)
{
    if (*field != 0 && *field != 1) {
        return hwi_error_say(error, HWS_E_INVALID, "%s is %d: it must be 0 or 1", option->name,
                             *field);
    }
    uint32_t number = (uint32_t)*field;
    hws_status status = fill_number(option, lookup, &number, error);
    *field = (int)number;
    return status;
}

hws_status hwi_options_fill(const struct hwi_option_table *table, hwi_option_lookup_fn lookup,
                            void *config, struct hwi_error *error)
{
    hws_status status = HWS_OK;
    for (uint32_t i = 0; i < table->count && status == HWS_OK; i++) {
        const struct hwi_option *option = &table->options[i];
        void *field = (char *)config + option->offset;
        if (option->kind == HWI_OPTION_TEXT) {
            fill_text(option, lookup, field);
        } else if (option->kind == HWI_OPTION_NUMBER) {
            status = fill_number(option, lookup, field, error);
        } else if (option->kind == HWI_OPTION_FLAG) {
            status = fill_flag(option, lookup, field, error);
        }
    }
    return status;
}
