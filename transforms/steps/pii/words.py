"""Words that say what a number beside them is, or that it is nobody's."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CARD = _words("card cards credit debit visa mastercard amex discover diners cartão cartao crédito débito")
SSN = _words("ssn ssns social security")
CPF = _words("cpf contribuinte")
CNPJ = _words("cnpj")
CEP = _words("cep postal")
PIX = _words("pix chave")
PHONE = _words(
    "phone phones telephone tel tels cell cellphone mobile call calls ring fax whatsapp sms text dial hotline "
    "contact cel telefone telefones fone fones celular celulares ligue ligar ligação contato zap tfno teléfono "
    "móvil telefonar discar disque"
)
IP = _words(
    "ip ips ipv host hosts server servers address ping dns port gateway router traceroute subnet nameserver "
    "login endereço servidor porta roteador rede http https ssh"
)
NO_NUMBER = _words(
    "isbn issn doi ean upc barcode barras order orders pedido pedidos invoice fatura nota tracking rastreio protocolo "
    "protocol processo ticket sku part serial série serie model modelo version versão versao release build firmware "
    "item id ref reference referência código codigo code lote patente patent batch case caso matrícula oab crm "
    "registro edição edition coordinates coordenadas latitude longitude"
)
NO_IP = _words(
    "version versions versão versao v compilação section sections seção secção release build firmware chapter capítulo "
    "item clause cláusula art artigo article figure figura table tabela paragraph parágrafo update driver "
    "software upgrade upgrades upgraded upgrading updates updated updating changelog patch patched revision revisão "
    "atualizar atualizado atualizada atualização"
)
STATES = _words(
    "AC AL AP AM BA CE DF ES GO MA MT MS MG PA PB PR PE PI RJ RN RS RO RR SC SP SE TO"
)  # of Brazil, as in "São Paulo - SP, 01310-100"
