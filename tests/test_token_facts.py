from notion_manager import tokens


def test_the_vocabularys_own_signs_are_counted_as_the_text_that_they_are() -> None:
    for sign in ("<|endoftext|>", "<|fim_prefix|>", "<|endofprompt|>"):
        assert tokens.count(sign) > 3
        assert tokens.count(f"a {sign} b") > tokens.count("a  b") + 2
