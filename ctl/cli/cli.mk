# Made from the command table: man pages, completion scripts, docs/cli.md.
#
# make man            man pages and completion scripts in $(O)/man and $(O)/completion
# make docs/cli.md    the command line reference; kept in the repository, a unit test says when it is out of date

.PHONY: man docs/cli.md
man: $(O)/man/.made $(O)/completion/.made

$(O)/man/.made: $(BIN)
	$(say) MAN $(@D)
	$(Q)rm -rf $(@D) && mkdir -p $(@D)
	$(Q)$(BIN) manual man $(@D)
	@touch $@

$(O)/completion/.made: $(BIN)
	@mkdir -p $(@D)
	$(Q)for shell in bash zsh fish; do $(BIN) completion $$shell > $(@D)/vnetlab.$$shell; done
	@touch $@

docs/cli.md: $(BIN)
	$(say) DOC $@
	$(Q)$(BIN) manual markdown > $@.new && mv $@.new $@
