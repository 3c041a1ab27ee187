"""Chat templates in the styles of model families, and some that cannot serve. Blanks between tags write nothing."""

import re


def _tight(template: str) -> str:
    """Return `template` without the line ends and indents that only lay it out."""
    return re.sub(r"\s*\n\s*", "", template)


CHATML = _tight(r"""
    {%- for turn in messages -%}
        {{- '<|im_start|>' + turn.role + '\n' + turn.content + '<|im_end|>\n' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}
""")
# SmolLM2-Instruct has a system prompt of its own; there `<|im_start|>` is the BOS token
KIND = r"{{- '<|im_start|>system\nBe kind.<|im_end|>\n' if messages[0].role != 'system' else '' -}}" + CHATML
# no generation prompt, a BOS per round, and blanks around a reply that are not its own
LLAMA_2 = _tight(r"""
    {%- if messages[0].role == 'system' -%}
        {%- set about = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' -%}
        {%- set messages = messages[1:] -%}
    {%- endif -%}
    {%- for turn in messages -%}
        {%- if turn.role == 'user' -%}
            {{- bos_token + '[INST] ' + (about | default('') if loop.first else '') -}}
            {{- turn.content.strip() + ' [/INST]' -}}
        {%- else -%}
            {{- ' ' + turn.content.strip() + ' ' + eos_token -}}
        {%- endif -%}
    {%- endfor -%}
""")
LLAMA_3 = _tight(r"""
    {%- for turn in messages -%}
        {{- (bos_token if loop.first else '') + '<|start_header_id|>' + turn.role + '<|end_header_id|>\n\n' -}}
        {{- turn.content | trim + '<|eot_id|>' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}{%- endif -%}
""")
GEMMA = _tight(r"""
    {{- bos_token -}}
    {%- if messages[0].role == 'system' -%}{{- raise_exception('no system prompt') -}}{%- endif -%}
    {%- for turn in messages -%}
        {{- '<start_of_turn>' + ('model' if turn.role == 'assistant' else turn.role) + '\n' -}}
        {{- turn.content | trim + '<end_of_turn>\n' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}{{- '<start_of_turn>model\n' -}}{%- endif -%}
""")
# the end token, which is the BOS token too, ends every turn
GRANITE = _tight(r"""
    {%- for turn in messages -%}
        {{- '<|start_of_role|>' + turn.role + '<|end_of_role|>' + turn.content + '<|end_of_text|>\n' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}{{- '<|start_of_role|>assistant<|end_of_role|>' -}}{%- endif -%}
""")
# BOS in front, which is the end token too; roles are plain text
OLMO_2 = _tight(r"""
    {{- bos_token -}}
    {%- for turn in messages -%}
        {{- '<|' + turn.role + '|>\n' + turn.content -}}
        {{- eos_token if turn.role == 'assistant' and loop.last else '\n' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}{{- '<|assistant|>\n' -}}{%- endif -%}
""")
PHI_3 = _tight(r"""
    {%- for turn in messages -%}{{- '<|' + turn.role + '|>\n' + turn.content + '<|end|>\n' -}}{%- endfor -%}
    {%- if add_generation_prompt -%}{{- '<|assistant|>\n' -}}{%- else -%}{{- eos_token -}}{%- endif -%}
""")
# the last reply stands behind a thought, which is empty; `enable_thinking: false` asks for one like that
QWEN_3 = _tight(r"""
    {%- for turn in messages -%}
        {%- set said = turn.content -%}
        {%- if turn.role == 'assistant' -%}
            {%- set thought = '' -%}
            {%- if '</think>' in said -%}
                {%- set thought = said.split('</think>')[0].split('<think>')[-1] -%}
                {%- set said = said.split('</think>')[-1] -%}
            {%- endif -%}
            {%- if loop.last -%}
                {%- set said = '<think>\n' + thought.strip('\n') + '\n</think>\n\n' + said.lstrip('\n') -%}
            {%- endif -%}
        {%- endif -%}
        {{- '<|im_start|>' + turn.role + '\n' + said + '<|im_end|>\n' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}
        {{- '<|im_start|>assistant\n' -}}
        {%- if enable_thinking is defined and not enable_thinking -%}{{- '<think>\n\n</think>\n\n' -}}{%- endif -%}
    {%- endif -%}
""")
# the generation prompt opens a thought, a reply stands without one
R1_DISTILLATE = _tight(r"""
    {{- bos_token -}}
    {%- for turn in messages -%}
        {%- if turn.role == 'system' -%}{{- turn.content -}}
        {%- elif turn.role == 'user' -%}{{- '<|User|>' + turn.content -}}
        {%- else -%}{{- '<|Assistant|>' + turn.content.split('</think>')[-1] + eos_token -}}
        {%- endif -%}
    {%- endfor -%}
    {%- if add_generation_prompt -%}{{- '<|Assistant|><think>\n' -}}{%- endif -%}
""")
VICUNA = _tight(r"""
    {{- 'A chat. ' -}}
    {%- for turn in messages -%}
        {%- if turn.role == 'user' -%}{{- 'USER: ' + turn.content + ' ' -}}
        {%- elif turn.role == 'assistant' -%}{{- 'ASSISTANT: ' + turn.content + eos_token -}}
        {%- else -%}{{- turn.content + ' ' -}}
        {%- endif -%}
    {%- endfor -%}
    {%- if add_generation_prompt -%}{{- 'ASSISTANT:' -}}{%- endif -%}
""")
# roles in plain text, no generation prompt, no special token behind a reply
PLAIN = r"{%- for turn in messages -%}{{- turn.role + ': ' + turn.content + '\n' -}}{%- endfor -%}"
CLOCK = r"{{- 'Today is ' + strftime_now('%d %b %Y') + '.\n' -}}" + CHATML
EFFORT = r"{{- 'Effort: ' + effort | default('medium') + '\n' -}}" + CHATML
OPEN_THOUGHT = CHATML.replace("turn.content", r"('<think>\n' if turn.role == 'assistant' else '') + turn.content")
