"""TRL's SFTTrainer over an export and a file of conversations; run by the interpreter that has TRL. Prints losses.

trl/bin/python benchmarks/peers/trl_sft.py EXPORT CONVERSATIONS SCRATCH STEPS BATCH LENGTH RATE
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

BETAS, EPS = (0.9, 0.95), 1e-8  # ours


def main(export: str, conversations: str, scratch: str, steps: str, batch: str, length: str, rate: str) -> None:
    import torch
    from datasets import load_dataset
    from torch.utils.data import SequentialSampler
    from trl import SFTConfig, SFTTrainer

    transformers: Any = import_module("transformers")  # else pyright reads all of its models

    class InOrder(SFTTrainer):  # the file's order, as ours
        def _get_train_sampler(self, dataset: Any = None) -> Any:
            return SequentialSampler(dataset if dataset is not None else self.train_dataset)

    rows = load_dataset("json", data_files=conversations, split="train", cache_dir=scratch).select_columns(["messages"])
    settings = SFTConfig(
        output_dir=scratch,
        max_steps=int(steps),
        per_device_train_batch_size=int(batch),
        learning_rate=float(rate),
        lr_scheduler_type="constant",
        warmup_steps=0,
        weight_decay=0.0,
        adam_beta1=BETAS[0],
        adam_beta2=BETAS[1],
        adam_epsilon=EPS,
        max_grad_norm=1.0,
        max_length=int(length),
        packing=False,
        assistant_only_loss=True,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    torch.manual_seed(1)
    model = transformers.AutoModelForCausalLM.from_pretrained(export, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(export)
    trainer = InOrder(model, args=settings, train_dataset=rows, processing_class=tokenizer)
    trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    print("LOSSES " + json.dumps(losses))


if __name__ == "__main__":
    main(*sys.argv[1:])
