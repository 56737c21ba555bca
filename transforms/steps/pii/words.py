"""Words that say what a number beside them is, or that it is nobody's."""

from __future__ import annotations

# Letters of scripts that put no blanks between words: Thai, Lao, Burmese, Khmer, Chinese, Japanese; and Korean, whose
# particles follow a word without one. Ranges for a character class of an expression.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CARD = _words("card cards credit debit visa mastercard amex discover diners cartão cartao crédito débito")
SSN = _words("ssn ssns social security")
CPF = _words("cpf contribuinte")
CNPJ = _words("cnpj")
CEP = _words("cep ceps postal")
PIX = _words("pix chave")
PIS = _words("pis pasep nit nis")
VOTER = _words("título titulo eleitor eleitora eleitoral")
CNH = _words("cnh habilitação habilitacao motorista condutor")
RG = _words("rg identidade ssp cédula")
NIF = _words("nif nipc contribuinte fiscal")
PHONE = _words(
    "phone phones telephone tel tels cell cellphone mobile call calls ring fax whatsapp sms text dial hotline "
    "contact cel telefone telefones fone fones celular celulares ligue ligar ligação contato zap tfno teléfono "
    "móvil telefonar discar disque ph landline helpline toll-free tollfree tty telefax plantão sac whats wpp "
    "telef telem tlm tlf tlfn telemóvel telemóveis telm pabx watsapp whatsap telefônico "
    "contacto contactos llamar llame llama llámenos telefon mobil handy "
    "anrufen anruf rufen rufnummer telefonnummer hotlines téléphone tél téléphones portable appelez appeler "
    "telefono telefoni cellulare cell chiamare chiama chiamate telefoon telefoonnummer bel bellen mobiel gsm "
    "тел телефон телефоны телефону телефона телефоном моб мобильный сотовый звоните звонить позвонить позвоните "
    "факс контакты"
)
IP = _words(
    "ip ips ipv host hosts server servers address ping dns port gateway router traceroute subnet nameserver "
    "login endereço servidor porta roteador rede http https ssh"
)
IP_ONLY = IP - _words("servidor porta rede endereço login")  # servidor is a civil servant as well
BUDGET = _words(
    "rubrica rubricas elemento elementos subelemento despesa despesas dotação dotações orçamento orçamentária "
    "orçamentárias orçamentário classificação natureza conta contas código códigos receita receitas empenho fonte "
    "programa programas projeto atividade ação inciso anexo subitem tópico norma nbr grupo categoria função subfunção "
    "custeio pagamento"
)
EMAIL = _words(
    "email emails e-mail e-mails mail mails correo correio contact contato contacto write reach escreva escrever "
    "schreiben kontakt courriel"
)
NO_NUMBER = _words(
    "isbn issn doi ean upc barcode barras order orders pedido pedidos invoice fatura nota tracking rastreio protocolo "
    "protocol processo ticket sku part serial série serie model modelo version versão versao release build firmware "
    "item id ref reference referência código codigo code lote patente patent batch case caso matrícula oab crm "
    "registro edição edition coordinates coordenadas latitude longitude nif nipc contribuinte "
    "nit pis pasep rg cnh lei decreto "
    "resolução peça peças pç bestellnummer artikelnummer rechnungsnummer aktenzeichen commande facture siret siren "
    "ordine codice bestelling bestelnummer kvk btw заказ заказа артикул инн огрн кпп снилс счет счёт"
)
NO_IP = _words(
    "version versions versão versao v compilação section sections seção secção release build firmware chapter capítulo "
    "item clause cláusula art artigo article figure figura table tabela paragraph parágrafo update driver "
    "software upgrade upgrades upgraded upgrading updates updated updating changelog patch patched revision revisão "
    "atualizar atualizado atualizada atualização"
)
VERSION = _words(
    "version versions versão versões release build firmware upgrade upgraded upgrading update updated downgraded "
    "atualizamos atualizei atualizaram atualizado atualizada library libraries biblioteca bibliotecas requires requer "
    "exige"
)
STATES = _words(
    "AC AL AP AM BA CE DF ES GO MA MT MS MG PA PB PR PE PI RJ RN RS RO RR SC SP SE TO"
)  # of Brazil, as in "São Paulo - SP, 01310-100"

PAGES = _words(
    "art arts artigo artigos lei p pp pg pgs pág págs pag pags página páginas page pages fl fls "
    "folha folhas seite seiten"
)
# What a number with blanks between its thousands counts, as in "212 345 678 habitantes".
UNITS = _words(
    "euro euros eur reais real dólares dólar dollars habitantes pessoas km kg ha hectares toneladas milhões milhão "
    "votos ações unidades metros inhabitants people miles tonnes tons votes shares units habitants personas"
)
# Beside numbers in text without blanks, where no word can be told from the next.
UNSPACED_PHONE = (
    *(
        "電話",
        "でんわ",
        "携帯",
        "ケータイ",
        "フリーダイヤル",
        "ファックス",
        "ファクス",
        "連絡先",
        "お問い合わせ",
        "℡",
        "☎",
    ),
    *("TEL", "Tel", "tel", "FAX", "Fax", "电话", "手机", "热线", "传真", "致电", "手機", "專線", "傳真"),
)
UNSPACED_NO_NUMBER = ("注文", "商品", "型番", "品番", "製造", "訂單", "订单", "编号", "ISBN", "ISSN")

STREET = _words("rua av avenida praça pça alameda travessa rodovia rod estrada largo bairro quadra viela ladeira")
# The most populous municipalities of Brazil (IBGE, census of 2022), as their names begin.
CITIES = frozenset(
    (
        *("são paulo", "rio de janeiro", "brasília", "fortaleza", "salvador", "belo horizonte", "manaus", "curitiba"),
        *("recife", "goiânia", "porto alegre", "belém", "guarulhos", "campinas", "são luís", "maceió", "campo grande"),
        *("são gonçalo", "teresina", "joão pessoa", "duque de caxias", "nova iguaçu", "são bernardo do campo", "natal"),
        *(
            "santo andré",
            "osasco",
            "sorocaba",
            "uberlândia",
            "ribeirão preto",
            "são josé dos campos",
            "cuiabá",
            "jaboatão",
        ),
        *("contagem", "joinville", "feira de santana", "aracaju", "londrina", "juiz de fora", "florianópolis"),
        *(
            "aparecida de goiânia",
            "campos dos goytacazes",
            "belford roxo",
            "niterói",
            "são josé do rio preto",
            "ananindeua",
        ),
        *("vila velha", "caxias do sul", "porto velho", "mogi das cruzes", "jundiaí", "macapá", "são joão de meriti"),
        *(
            "piracicaba",
            "campina grande",
            "santos",
            "mauá",
            "montes claros",
            "boa vista",
            "betim",
            "maringá",
            "anápolis",
        ),
        *("diadema", "carapicuíba", "petrolina", "bauru", "caruaru", "vitória", "itaquaquecetuba", "rio branco"),
        *("blumenau", "ponta grossa", "cariacica", "franca", "olinda", "praia grande", "cascavel", "canoas"),
        *("uberaba", "são vicente", "pelotas", "barueri", "taubaté", "suzano", "palmas", "camaçari", "várzea grande"),
        *("limeira", "foz do iguaçu", "governador valadares", "petrópolis", "sumaré", "volta redonda", "ipatinga"),
        *(
            "são carlos",
            "santa maria",
            "novo hamburgo",
            "rio claro",
            "araraquara",
            "americana",
            "marília",
            "indaiatuba",
        ),
        *(
            "hortolândia",
            "presidente prudente",
            "itabuna",
            "ilhéus",
            "sete lagoas",
            "divinópolis",
            "chapecó",
            "criciúma",
        ),
    )
)

# Top-level domains of IANA's root zone: those of countries, and the common generic ones.
TLDS = _words(
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd "
    "cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd "
    "ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg "
    "kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv "
    "mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa "
    "sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug "
    "uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw "
    "com org net edu gov mil int info biz name pro aero coop museum jobs mobi travel cat asia post tel app dev online "
    "site store shop blog cloud tech club wiki art news email agency design studio world live life company center"
)
