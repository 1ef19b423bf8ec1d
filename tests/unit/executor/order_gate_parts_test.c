/* The pure parts of the gate and of the login: allowance, limits, sealed tokens, redirect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "executor/broker_http.h"
#include "executor/order_allowance.h"
#include "executor/order_limits.h"
#include "executor/schwab_redirect.h"
#include "executor/token_box.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct shares shares_of(const char *text)
{
	struct shares value = {0};

	assert_true(shares_parse(text, &value));
	return value;
}

static struct usd dollars(const char *text)
{
	struct usd value = {0};

	assert_true(usd_parse(text, &value));
	return value;
}

static struct broker_order an_order(enum direction direction, const char *shares)
{
	struct broker_order order = {.direction = direction, .shares = shares_of(shares)};

	assert_true(symbol_set(&order.symbol, "AAPL"));
	order.has_reference_price = true;
	order.reference_price = dollars("150.25");
	return order;
}

static void assert_allowed(enum direction direction, const char *asked, const char *held,
			   bool may_short, const char *allowed, enum order_effect effect)
{
	const struct account_state account = {.held = shares_of(held),
					      .available = shares_of(held),
					      .may_short = may_short,
					      .has_cash = true,
					      .cash = dollars("1502.49")};
	struct broker_order order = an_order(direction, asked);
	struct broker_allowance allowance = order_allowance(&order, &account);

	assert_string_equal(shares_text(allowance.shares).text, allowed);
	assert_int_equal(allowance.effect, effect);
	assert_int_equal(allowance.reason[0] == '\0', strcmp(asked, allowed) == 0);
}

static void an_order_never_crosses_zero(void **state)
{
	(void)state;
	assert_allowed(DIRECTION_SELL, "10", "12.5", false, "10", ORDER_EFFECT_LONG);
	assert_allowed(DIRECTION_SELL, "10", "6.9", false, "6", ORDER_EFFECT_LONG);
	assert_allowed(DIRECTION_SELL, "10", "6.9", true, "6", ORDER_EFFECT_LONG);
	assert_allowed(DIRECTION_SELL, "10", "0.9", true, "0", ORDER_EFFECT_LONG);
	assert_allowed(DIRECTION_SELL, "10", "0", false, "0", ORDER_EFFECT_SHORT);
	assert_allowed(DIRECTION_SELL, "10", "0", true, "10", ORDER_EFFECT_SHORT);
	assert_allowed(DIRECTION_SELL, "10", "-3", true, "10", ORDER_EFFECT_SHORT);
	assert_allowed(DIRECTION_BUY, "10", "-3", true, "3", ORDER_EFFECT_COVER);
	assert_allowed(DIRECTION_BUY, "3", "-10", false, "3", ORDER_EFFECT_COVER);
	/* 1502.49 dollars at 150.25. */
	assert_allowed(DIRECTION_BUY, "10", "0", false, "9", ORDER_EFFECT_LONG);
	assert_allowed(DIRECTION_BUY, "9", "100", false, "9", ORDER_EFFECT_LONG);
}

static void what_an_open_order_holds_is_not_for_sale(void **state)
{
	struct broker_order order = an_order(DIRECTION_SELL, "10");
	const struct account_state account = {.held = shares_of("10"), .available = shares_of("4")};

	(void)state;
	assert_string_equal(shares_text(order_allowance(&order, &account).shares).text, "4");
}

static void without_a_price_or_a_balance_the_broker_judges_a_buy(void **state)
{
	struct broker_order order = an_order(DIRECTION_BUY, "10");
	struct account_state account = {.has_cash = false};

	(void)state;
	assert_string_equal(shares_text(order_allowance(&order, &account).shares).text, "10");
	account.has_cash = true;
	assert_string_equal(shares_text(order_allowance(&order, &account).shares).text, "0");
	order.has_reference_price = false;
	assert_string_equal(shares_text(order_allowance(&order, &account).shares).text, "10");
}

static void every_limit_refuses_by_its_name(void **state)
{
	struct broker_order order = an_order(DIRECTION_SELL, "10");
	struct order_limits limits = {.daily_orders = 0};
	struct error error;

	(void)state;
	assert_true(order_limits_allow(&limits, &order, &error));
	limits.order_shares = shares_of("10");
	limits.order_notional = dollars("1502.5");
	memcpy(limits.allowed_symbols.text, "MSFT, AAPL", sizeof("MSFT, AAPL"));
	assert_true(order_limits_allow(&limits, &order, &error));
	limits.order_notional = dollars("1502.49");
	assert_false(order_limits_allow(&limits, &order, &error));
	assert_non_null(strstr(error.text, "MAX_ORDER_NOTIONAL"));
	order.has_reference_price = false;
	assert_false(order_limits_allow(&limits, &order, &error));
	assert_non_null(strstr(error.text, "no price"));
	limits.order_shares = shares_of("9.5");
	assert_false(order_limits_allow(&limits, &order, &error));
	assert_non_null(strstr(error.text, "MAX_ORDER_SHARES"));
	memcpy(limits.allowed_symbols.text, "AAPLX,AAP", sizeof("AAPLX,AAP"));
	assert_false(order_limits_allow(&limits, &order, &error));
	assert_non_null(strstr(error.text, "ALLOWED_SYMBOLS"));
}

static void what_is_sealed_opens_with_its_key_and_its_row_only(void **state)
{
	struct token_box *box = token_box_open(KEY, "");
	struct token_box *other = token_box_open("ff" KEY, "");
	char sealed[512];
	char opened[64];
	size_t length;

	(void)state;
	assert_non_null(box);
	assert_null(other); /* 66 digits */
	other = token_box_open("ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
			       "");
	assert_non_null(other);
	assert_true(token_box_seal(box, "row 1", "a secret", sealed, sizeof(sealed)));
	assert_null(strstr(sealed, "secret"));
	assert_true(token_box_unseal(box, "row 1", sealed, opened, sizeof(opened)));
	assert_string_equal(opened, "a secret");
	assert_false(token_box_unseal(box, "row 2", sealed, opened, sizeof(opened)));
	assert_string_equal(opened, "");
	assert_false(token_box_unseal(other, "row 1", sealed, opened, sizeof(opened)));
	assert_false(token_box_unseal(box, "row 1", sealed, opened, strlen("a secret")));
	length = strlen(sealed);
	for (size_t i = 0; i < length; i++) {
		char kept = sealed[i];

		sealed[i] = kept == '0' ? '1' : '0';
		assert_false(token_box_unseal(box, "row 1", sealed, opened, sizeof(opened)));
		sealed[i] = kept;
	}
	sealed[length - 2] = '\0';
	assert_false(token_box_unseal(box, "row 1", sealed, opened, sizeof(opened)));
	assert_false(token_box_unseal(box, "row 1", "", opened, sizeof(opened)));
	assert_false(token_box_unseal(box, "row 1", "zz", opened, sizeof(opened)));
	assert_false(token_box_seal(box, "row 1", "a secret", sealed, 40));
	token_box_close(box);
	token_box_close(other);
}

static void a_key_file_is_its_owners_alone(void **state)
{
	char path[] = "/tmp/ballast-key-XXXXXX";
	int fd = mkstemp(path);
	struct token_box *box;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, KEY "\n", sizeof(KEY)), sizeof(KEY));
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_null(token_box_open("", path));
	assert_int_equal(fchmod(fd, 0600), 0);
	box = token_box_open("", path);
	assert_non_null(box);
	token_box_close(box);
	assert_null(token_box_open(KEY, path));
	assert_null(token_box_open("", ""));
	assert_int_equal(ftruncate(fd, 10), 0);
	assert_null(token_box_open("", path));
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
	assert_null(token_box_open("", path));
}

static enum outcome code_of(const char *redirect, char *code)
{
	struct error error;

	return schwab_redirect_code(redirect, "abc", code, &error);
}

static void the_code_is_decoded_once(void **state)
{
	static const char *const wrong[] = {
		"",
		"nonsense",
		"https://127.0.0.1/?session=1",
		"https://127.0.0.1/?code=",
		"https://127.0.0.1/?code=a%4",
		"https://127.0.0.1/?code=a%zz",
		"https://127.0.0.1/?code=a%0ab",
		"https://127.0.0.1/?error=access_denied&code=x",
		"https://127.0.0.1/?code=x&state=other",
	};
	char code[SCHWAB_CODE_SIZE];

	(void)state;
	assert_int_equal(code_of("https://127.0.0.1/?code=C0.a%2Bb%40&session=9", code),
			 OUTCOME_OK);
	assert_string_equal(code, "C0.a+b@");
	assert_int_equal(code_of("/callback?state=abc&code=x%2540", code), OUTCOME_OK);
	assert_string_equal(code, "x%40");
	assert_int_equal(code_of("code=x", code), OUTCOME_OK);
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
		assert_int_equal(code_of(wrong[i], code), OUTCOME_REJECTED);
}

static void secrets_go_to_https_or_stay_on_the_machine(void **state)
{
	(void)state;
	assert_true(broker_http_url_is_safe("https://api.alpaca.markets"));
	assert_true(broker_http_url_is_safe("http://127.0.0.1:8080"));
	assert_true(broker_http_url_is_safe("http://localhost/"));
	assert_true(broker_http_url_is_safe("http://[::1]:1"));
	assert_false(broker_http_url_is_safe("http://api.alpaca.markets"));
	assert_false(broker_http_url_is_safe("http://localhost.evil.example"));
	assert_false(broker_http_url_is_safe("http://127.0.0.1@evil.example"));
	assert_false(broker_http_url_is_safe("ftp://127.0.0.1"));
}

static void what_a_form_must_not_hold_is_encoded(void **state)
{
	char text[32];

	(void)state;
	assert_true(broker_http_encode("a+b/=@~", text, sizeof(text)));
	assert_string_equal(text, "a%2Bb%2F%3D%40~");
	assert_true(broker_http_encode("", text, sizeof(text)));
	assert_string_equal(text, "");
	assert_false(broker_http_encode("@@@@@@@@@@@", text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_never_crosses_zero),
		cmocka_unit_test(what_an_open_order_holds_is_not_for_sale),
		cmocka_unit_test(without_a_price_or_a_balance_the_broker_judges_a_buy),
		cmocka_unit_test(every_limit_refuses_by_its_name),
		cmocka_unit_test(what_is_sealed_opens_with_its_key_and_its_row_only),
		cmocka_unit_test(a_key_file_is_its_owners_alone),
		cmocka_unit_test(the_code_is_decoded_once),
		cmocka_unit_test(secrets_go_to_https_or_stay_on_the_machine),
		cmocka_unit_test(what_a_form_must_not_hold_is_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
